#include "stream/matrix_stream.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "stream/places.h"

namespace zell::stream {
namespace {

// Between two looks at the stop flag of a step.
constexpr auto kStopInterval = std::chrono::milliseconds(2);

struct Piece {
  uint32_t shard = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t place = 0;  ///< in the buffer
};

// A turn that is being read or in memory.
struct Entry {
  uint32_t turn = 0;
  size_t next_piece = 0;  ///< of those that nobody reads yet
  size_t pieces_left = 0;
  base::Status failure;
};

// Rows that a run waits for, each once.
struct RowRequest {
  std::vector<int32_t> rows;  ///< ascending
  std::vector<uint8_t> bytes;
  size_t next = 0, left = 0;
  base::Status failure;
};

}  // namespace

struct MatrixStream::Impl {
  std::vector<Turn> turns;
  uint32_t body_turns = 0;
  std::optional<RowTable> table;
  std::unique_ptr<PieceReader> reader;
  Places places;
  std::vector<std::vector<Piece>> pieces;  ///< [turn]
  DirectBuffer buffer;

  mutable std::mutex mutex;  ///< guards all below
  std::condition_variable arrived, work;
  std::deque<Entry> line;    ///< in the order of use
  uint32_t next = 0;         ///< the turn that follows the line
  uint32_t passed = 0;       ///< turns below are done in this run
  bool head_follows = true;  ///< in this run
  uint64_t generation = 0;   ///< of the line: counts its new beginnings
  size_t reads = 0;          ///< under way for the line
  size_t old_reads = 0;      ///< under way for lines before it: nothing else may be read to their places yet
  RowRequest request;
  base::Status failure;
  MatrixStats stats;
  bool closing = false;

  std::atomic<bool> failed = false;
  std::vector<std::thread> workers;

  uint32_t After(uint32_t turn) const {
    const auto all = static_cast<uint32_t>(turns.size());
    if (turn + 1 == body_turns && !head_follows) return 0;
    return turn + 1 == all ? 0 : turn + 1;
  }

  bool IsFree(uint32_t turn) const {
    const uint64_t begin = places.begins[turn], end = begin + turns[turn].bytes;
    return std::none_of(line.begin(), line.end(), [&](const Entry& e) {
      return begin < places.begins[e.turn] + turns[e.turn].bytes && places.begins[e.turn] < end;
    });
  }

  // The next piece to read; false when there is no room for it, or reads of a line before are under way.
  bool NextPiece(Piece* piece, uint32_t* turn) {
    if (old_reads > 0) return false;
    if (line.empty() || line.back().next_piece == pieces[line.back().turn].size()) {
      // The head may have been left out since the last turn was added.
      if (!line.empty()) next = After(line.back().turn);
      if (!IsFree(next)) return false;
      line.push_back({next, 0, pieces[next].size(), {}});
    }
    Entry& entry = line.back();
    next = After(entry.turn);
    *turn = entry.turn;
    *piece = pieces[entry.turn][entry.next_piece++];
    return true;
  }

  // Forgets what was read ahead and reads from `turn` on.
  void Restart(uint32_t turn) {
    line.clear();
    next = turn;
    ++generation;
    old_reads += std::exchange(reads, 0);
    work.notify_all();
  }

  void FinishPiece(uint32_t turn, uint64_t of_generation, const base::Status& status) {
    if (of_generation != generation) {
      if (--old_reads == 0) work.notify_all();
      return;
    }
    --reads;
    const auto entry = std::find_if(line.begin(), line.end(), [turn](const Entry& e) { return e.turn == turn; });
    if (!status.ok() && entry->failure.ok()) entry->failure = status;
    if (--entry->pieces_left == 0) arrived.notify_all();
  }

  base::Status ReadRow(int32_t row, DirectBuffer& page, uint8_t* to) const {
    constexpr uint64_t kPage = base::kDirectAlignment;
    const uint64_t begin = table->place.offset + static_cast<uint64_t>(row) * table->row_bytes;
    const uint64_t first = begin / kPage * kPage, end = (begin + table->row_bytes + kPage - 1) / kPage * kPage;
    ZELL_RETURN_IF_ERROR(reader->Read(table->place.shard, first, {page.data(), static_cast<size_t>(end - first)}));
    std::memcpy(to, page.data() + (begin - first), static_cast<size_t>(table->row_bytes));
    return base::Status::Ok();
  }

  // Rows go first: a run cannot begin without them.
  bool WorkOnRows(std::unique_lock<std::mutex>& lock, DirectBuffer& page) {
    if (request.next == request.rows.size()) return false;
    const size_t index = request.next++;
    const int32_t row = request.rows[index];
    uint8_t* const to = request.bytes.data() + index * table->row_bytes;
    lock.unlock();
    const base::Status status = ReadRow(row, page, to);
    lock.lock();
    if (!status.ok() && request.failure.ok()) request.failure = status;
    if (--request.left == 0) arrived.notify_all();
    return true;
  }

  void Work(DirectBuffer page) {
    std::unique_lock lock(mutex);
    while (!closing) {
      if (WorkOnRows(lock, page)) continue;
      Piece piece;
      uint32_t turn = 0;
      if (!NextPiece(&piece, &turn)) {
        work.wait(lock);
        continue;
      }
      ++reads;
      const uint64_t of_generation = generation;
      lock.unlock();
      const base::Status status =
          reader->Read(piece.shard, piece.offset, {buffer.data() + piece.place, static_cast<size_t>(piece.bytes)});
      lock.lock();
      stats.bytes_read += piece.bytes;
      FinishPiece(turn, of_generation, status);
    }
  }

  void CutIntoPieces() {
    for (size_t t = 0; t < turns.size(); ++t) {
      std::vector<Piece>& all = pieces.emplace_back();
      for (const Range& range : turns[t].ranges) {
        for (uint64_t done = 0; done < range.bytes; done += kPieceBytes) {
          all.push_back({range.shard, range.offset + done, std::min(kPieceBytes, range.bytes - done),
                         places.begins[t] + range.slot_offset + done});
        }
      }
    }
  }
};

uint64_t LeastBuffer(std::span<const Turn> turns) {
  uint64_t most = 0;
  for (const Turn& turn : turns) most = std::max(most, turn.bytes);
  return 2 * most;
}

base::Result<std::unique_ptr<MatrixStream>> MatrixStream::Create(std::vector<Turn> turns, std::optional<RowTable> rows,
                                                                 std::unique_ptr<PieceReader> reader,
                                                                 uint64_t buffer_bytes, int readers) {
  const auto no_memory = [](uint64_t bytes) {
    return base::Status{base::StatusCode::kOutOfMemory,
                        "no memory for " + std::to_string(bytes >> 20) + " MiB of layers from the disk"};
  };
  if (turns.empty() || buffer_bytes < LeastBuffer(turns)) return no_memory(buffer_bytes);
  auto impl = std::make_unique<Impl>();
  impl->turns = std::move(turns);
  impl->table = std::move(rows);
  impl->reader = std::move(reader);
  std::vector<uint64_t> sizes;
  for (const Turn& turn : impl->turns) sizes.push_back(turn.bytes), impl->body_turns += turn.head ? 0 : 1;
  impl->places = PlaceInLaps(sizes, buffer_bytes);
  if (!impl->buffer.Allocate(impl->places.bytes)) return no_memory(impl->places.bytes);
  impl->CutIntoPieces();
  Impl* raw = impl.get();
  std::unique_ptr<MatrixStream> stream(new MatrixStream(std::move(impl)));
  for (int i = 0; i < std::max(1, readers); ++i) {
    DirectBuffer page;
    const uint64_t row_bytes = raw->table ? raw->table->row_bytes : 0;
    if (!page.Allocate((row_bytes / base::kDirectAlignment + 2) * base::kDirectAlignment)) return no_memory(row_bytes);
    raw->workers.emplace_back([raw, page = std::move(page)]() mutable { raw->Work(std::move(page)); });
  }
  return stream;
}

MatrixStream::MatrixStream(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

MatrixStream::~MatrixStream() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->work.notify_all();
  for (std::thread& worker : impl_->workers) worker.join();
}

void MatrixStream::Attach(backend::Plan& plan) {
  for (size_t t = 0; t < impl_->turns.size(); ++t) {
    const Turn& turn = impl_->turns[t];
    backend::Op& op = (turn.head ? plan.head : plan.body)[turn.op];
    op.turn = static_cast<int>(t);
    for (size_t p = 0; p < op.parts.size(); ++p) {
      plan.weights[static_cast<size_t>(op.parts[p].weight)].data =
          impl_->buffer.data() + impl_->places.begins[t] + turn.matrices[p];
    }
  }
  plan.matrices = this;
}

void MatrixStream::Begin(bool head_follows) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  m.head_follows = head_follows;
  m.passed = 0;
  // What could not be read ahead is tried once more.
  const auto broke = [](const Entry& entry) { return !entry.failure.ok(); };
  if (std::any_of(m.line.begin(), m.line.end(), broke)) m.Restart(m.line.front().turn);
}

bool MatrixStream::Take(uint32_t turn, const std::atomic<bool>& stop) {
  Impl& m = *impl_;
  std::unique_lock lock(m.mutex);
  if (turn < m.passed) return true;
  if ((m.line.empty() ? m.next : m.line.front().turn) != turn) m.Restart(turn);
  const auto is_there = [&] { return turn < m.passed || (!m.line.empty() && m.line.front().pieces_left == 0); };
  if (!is_there()) {
    const auto begin = std::chrono::steady_clock::now();
    while (!is_there() && !stop.load(std::memory_order_relaxed)) m.arrived.wait_for(lock, kStopInterval);
    const auto waited = std::chrono::steady_clock::now() - begin;
    m.stats.waited_us += static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(waited).count());
    if (!is_there()) return false;
  }
  if (turn < m.passed || m.line.front().failure.ok()) return true;
  if (m.failure.ok()) m.failure = m.line.front().failure;
  m.failed = true;
  return false;
}

void MatrixStream::Done(uint32_t turn) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  if (turn < m.passed) return;
  m.passed = turn + 1;
  m.line.pop_front();
  m.work.notify_all();
}

bool MatrixStream::brings_rows() const { return impl_->table.has_value(); }

base::Status MatrixStream::ReadRows(std::span<const int32_t> tokens, uint8_t* out, const std::atomic<bool>& stop) {
  Impl& m = *impl_;
  const size_t row_bytes = static_cast<size_t>(m.table->row_bytes);
  RowRequest request;
  request.rows.assign(tokens.begin(), tokens.end());
  std::sort(request.rows.begin(), request.rows.end());
  request.rows.erase(std::unique(request.rows.begin(), request.rows.end()), request.rows.end());
  if (!request.rows.empty() &&
      (request.rows.front() < 0 || static_cast<uint64_t>(request.rows.back()) >= m.table->rows)) {
    return {base::StatusCode::kInternal, "a token outside the embedding"};
  }
  request.bytes.resize(request.rows.size() * row_bytes);
  request.left = request.rows.size();
  std::unique_lock lock(m.mutex);
  m.request = std::move(request);
  m.work.notify_all();
  while (m.request.left > 0) {
    m.arrived.wait_for(lock, kStopInterval);
    if (!stop.load(std::memory_order_relaxed)) continue;
    // Those that nobody reads yet are given up.
    m.request.left -= m.request.rows.size() - m.request.next;
    m.request.next = m.request.rows.size();
  }
  if (stop.load(std::memory_order_relaxed)) return {base::StatusCode::kCancelled, "the step was cancelled"};
  if (!m.request.failure.ok()) return m.request.failure;
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto at = std::lower_bound(m.request.rows.begin(), m.request.rows.end(), tokens[i]);
    const size_t row = static_cast<size_t>(at - m.request.rows.begin());
    std::memcpy(out + i * row_bytes, m.request.bytes.data() + row * row_bytes, row_bytes);
  }
  return base::Status::Ok();
}

bool MatrixStream::failed() const { return impl_->failed.load(std::memory_order_relaxed); }

base::Status MatrixStream::End() {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  const bool at_first = (m.line.empty() ? m.next : m.line.front().turn) == 0;
  if (!at_first || !m.failure.ok()) m.Restart(0);
  m.failed = false;
  return std::exchange(m.failure, base::Status::Ok());
}

MatrixStats MatrixStream::stats() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->stats;
}

uint64_t MatrixStream::buffer_bytes() const { return impl_->buffer.size(); }
uint64_t MatrixStream::round_bytes() const { return BytesOf(impl_->turns); }

}  // namespace zell::stream
