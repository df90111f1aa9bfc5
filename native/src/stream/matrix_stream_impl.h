// How a stream of matrices reads ahead: which turns are in memory or on their way. Private to the room.
#pragma once

#include <algorithm>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>

#include "stream/kept_turns.h"
#include "stream/matrix_stream.h"
#include "stream/places.h"

namespace zell::stream {

struct TurnPiece {
  uint32_t shard = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint8_t* to = nullptr;
};

// A turn that is being read or in memory.
struct TurnEntry {
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

struct MatrixStream::Impl {
  std::vector<Turn> turns;
  uint32_t body_turns = 0;
  std::optional<RowTable> table;
  std::unique_ptr<PieceReader> reader;
  Places places;                               ///< in the buffer, of the turns behind those of `kept`
  std::vector<std::vector<TurnPiece>> pieces;  ///< [turn]
  DirectBuffer buffer;

  mutable std::mutex mutex;  ///< guards all below
  std::condition_variable arrived, work;
  KeptTurns kept;  ///< kept() changes only while no run is under way
  bool running = false;
  std::deque<TurnEntry> line;  ///< in the order of use
  uint32_t next = 0;           ///< the turn that follows the line
  uint32_t passed = 0;         ///< turns below are done in this run
  bool head_follows = true;    ///< in this run
  uint64_t generation = 0;     ///< of the line: counts its new beginnings
  size_t reads = 0;            ///< under way for the line
  size_t old_reads = 0;        ///< under way for lines before it: nothing else may be read to their places yet
  RowRequest request;
  base::Status failure;
  MatrixStats stats;
  bool closing = false;

  std::atomic<bool> failed = false;
  std::vector<std::thread> workers;

  uint32_t After(uint32_t turn) const {
    const auto all = static_cast<uint32_t>(turns.size());
    if (turn + 1 == body_turns && !head_follows) return kept.kept();
    return turn + 1 == all ? kept.kept() : turn + 1;
  }

  uint8_t* Address(uint32_t turn) const {
    return kept.has(turn) ? kept.Address(turn) : buffer.data() + places.begins[turn - kept.count()];
  }

  bool IsFree(uint32_t turn) const {
    const auto begin = [this](uint32_t t) { return places.begins[t - kept.count()]; };
    return std::none_of(line.begin(), line.end(), [&](const TurnEntry& e) {
      return !kept.has(e.turn) && begin(turn) < begin(e.turn) + turns[e.turn].bytes &&
             begin(e.turn) < begin(turn) + turns[turn].bytes;
    });
  }

  // The next piece to read; false when there is no room for it, or reads of a line before are under way.
  bool NextPiece(TurnPiece* piece, uint32_t* turn) {
    if (old_reads > 0) return false;
    while (line.empty() || line.back().next_piece == pieces[line.back().turn].size()) {
      // The head may have been left out since the last turn was added.
      if (!line.empty()) next = After(line.back().turn);
      if (!(kept.has(next) ? kept.Enter(next) : IsFree(next))) return false;
      if (kept.is_there(next)) {
        line.push_back({next, pieces[next].size(), 0, {}});
        arrived.notify_all();
      } else {
        line.push_back({next, 0, pieces[next].size(), {}});
      }
    }
    TurnEntry& entry = line.back();
    next = After(entry.turn);
    *turn = entry.turn;
    *piece = pieces[entry.turn][entry.next_piece++];
    return true;
  }

  // Forgets what was read ahead and reads from `turn` on.
  void Restart(uint32_t turn) {
    line.clear();
    kept.LeaveAll();
    next = turn;
    ++generation;
    old_reads += std::exchange(reads, 0);
    work.notify_all();
  }

  // While no run is under way: kept turns come and go.
  void Settle() {
    if (kept.Settle()) return Restart(kept.kept());
    while (!line.empty() && line.front().turn < kept.kept()) line.pop_front();
    if (line.empty()) next = std::max(next, kept.kept());
    work.notify_all();
  }

  void FinishPiece(uint32_t turn, uint64_t of_generation, const base::Status& status) {
    if (of_generation != generation) {
      if (--old_reads == 0) work.notify_all();
      return;
    }
    --reads;
    const auto entry = std::find_if(line.begin(), line.end(), [turn](const TurnEntry& e) { return e.turn == turn; });
    if (!status.ok() && entry->failure.ok()) entry->failure = status;
    if (--entry->pieces_left > 0) return;
    if (kept.has(turn) && entry->failure.ok()) kept.Arrived(turn);
    arrived.notify_all();
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
      TurnPiece piece;
      uint32_t turn = 0;
      if (!NextPiece(&piece, &turn)) {
        work.wait(lock);
        continue;
      }
      ++reads;
      const uint64_t of_generation = generation;
      lock.unlock();
      const base::Status status = reader->Read(piece.shard, piece.offset, {piece.to, static_cast<size_t>(piece.bytes)});
      lock.lock();
      stats.bytes_read += piece.bytes;
      FinishPiece(turn, of_generation, status);
    }
  }

  void CutIntoPieces() {
    for (uint32_t t = 0; t < turns.size(); ++t) {
      std::vector<TurnPiece>& all = pieces.emplace_back();
      uint8_t* const place = Address(t);
      for (const Range& range : turns[t].ranges) {
        for (uint64_t done = 0; done < range.bytes; done += kPieceBytes) {
          all.push_back({range.shard, range.offset + done, std::min(kPieceBytes, range.bytes - done),
                         place + range.slot_offset + done});
        }
      }
    }
  }
};

}  // namespace zell::stream
