#include "stream/matrix_stream.h"

#include <chrono>

#include "stream/matrix_stream_impl.h"

namespace zell::stream {
namespace {

// Between two looks at the stop flag of a step.
constexpr auto kStopInterval = std::chrono::milliseconds(2);

}  // namespace

uint64_t LeastBuffer(std::span<const Turn> turns) {
  uint64_t most = 0;
  for (const Turn& turn : turns) most = std::max(most, turn.bytes);
  return 2 * most;
}

base::Result<std::unique_ptr<MatrixStream>> MatrixStream::Create(std::vector<Turn> turns, uint32_t kept,
                                                                 std::optional<RowTable> rows,
                                                                 std::unique_ptr<PieceReader> reader,
                                                                 uint64_t buffer_bytes, int readers) {
  const auto no_memory = [](uint64_t bytes) {
    return base::Status{base::StatusCode::kOutOfMemory,
                        "no memory for " + std::to_string(bytes >> 20) + " MiB of layers from the disk"};
  };
  const std::span<const Turn> own = std::span<const Turn>(turns).first(std::min<size_t>(kept, turns.size()));
  const std::span<const Turn> others = std::span<const Turn>(turns).subspan(own.size());
  if (others.empty() || buffer_bytes < LeastBuffer(others)) return no_memory(buffer_bytes);
  auto impl = std::make_unique<Impl>();
  if (!impl->kept.Allocate(own)) return no_memory(BytesOf({own.begin(), own.end()}));
  std::vector<uint64_t> sizes;
  for (const Turn& turn : others) sizes.push_back(turn.bytes);
  impl->next = impl->kept.kept();
  impl->turns = std::move(turns);
  impl->table = std::move(rows);
  impl->reader = std::move(reader);
  for (const Turn& turn : impl->turns) impl->body_turns += turn.head ? 0 : 1;
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

base::Status MatrixStream::Fill(const std::function<void(uint64_t)>& progress, const std::atomic<bool>& stop) {
  uint64_t done = 0;
  for (uint32_t t = 0; t < impl_->kept.count(); ++t) {
    for (const TurnPiece& piece : impl_->pieces[t]) {
      if (stop.load(std::memory_order_relaxed)) return {base::StatusCode::kCancelled, "loading was cancelled"};
      ZELL_RETURN_IF_ERROR(
          impl_->reader->Read(piece.shard, piece.offset, {piece.to, static_cast<size_t>(piece.bytes)}));
    }
    done += impl_->turns[t].bytes;
    if (progress) progress(done);
  }
  return base::Status::Ok();
}

void MatrixStream::Attach(backend::Plan& plan) {
  for (uint32_t t = 0; t < impl_->turns.size(); ++t) {
    const Turn& turn = impl_->turns[t];
    backend::Op& op = (turn.head ? plan.head : plan.body)[turn.op];
    op.turn = static_cast<int>(t);
    for (size_t p = 0; p < op.parts.size(); ++p) {
      plan.weights[static_cast<size_t>(op.parts[p].weight)].data = impl_->Address(t) + turn.matrices[p];
    }
  }
  plan.matrices = this;
}

void MatrixStream::Begin(bool head_follows) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  m.running = true;
  m.head_follows = head_follows;
  m.passed = 0;
  // What could not be read ahead is tried once more.
  const auto broke = [](const TurnEntry& entry) { return !entry.failure.ok(); };
  if (std::any_of(m.line.begin(), m.line.end(), broke)) m.Restart(m.line.front().turn);
}

bool MatrixStream::Take(uint32_t turn, const std::atomic<bool>& stop) {
  Impl& m = *impl_;
  if (turn < m.kept.kept()) return true;
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
  if (turn < m.kept.kept()) return;
  const std::lock_guard lock(m.mutex);
  if (turn < m.passed) return;
  m.passed = turn + 1;
  if (m.kept.has(turn)) m.kept.Used(turn);
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
  const uint32_t first = m.kept.kept();
  const bool at_first = (m.line.empty() ? m.next : m.line.front().turn) == first;
  if (!at_first || !m.failure.ok()) m.Restart(first);
  m.failed = false;
  m.running = false;
  m.Settle();
  return std::exchange(m.failure, base::Status::Ok());
}

MatrixStats MatrixStream::stats() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->stats;
}

void MatrixStream::LimitKept(uint64_t turns) {
  Impl& m = *impl_;
  const std::lock_guard lock(m.mutex);
  m.kept.Aim(static_cast<uint32_t>(std::min<uint64_t>(turns, m.kept.count())));
  if (!m.running) m.Settle();
}

StoreSize MatrixStream::size() const {
  const std::lock_guard lock(impl_->mutex);
  const KeptTurns& kept = impl_->kept;
  const uint64_t mean = kept.bytes() / std::max<uint64_t>(1, kept.count());
  return {mean, kept.aim(), std::min(kept.in_memory(), kept.aim()), kept.count(), 0, impl_->turns.size()};
}

uint32_t MatrixStream::kept() const { return impl_->kept.kept(); }
uint64_t MatrixStream::kept_bytes() const { return impl_->kept.bytes(); }
uint64_t MatrixStream::buffer_bytes() const { return impl_->buffer.size(); }

uint64_t MatrixStream::round_bytes() const {
  uint64_t bytes = 0;
  for (size_t t = impl_->kept.kept(); t < impl_->turns.size(); ++t) bytes += impl_->turns[t].bytes;
  return bytes;
}

}  // namespace zell::stream
