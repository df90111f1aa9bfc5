#include "stream/disk_probe.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/aligned_buffer.h"
#include "base/direct_file.h"
#include "base/split_mix.h"
#include "stream/reader.h"

namespace zell::stream {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kAlign = base::kDirectAlignment;
constexpr int kReaders[] = {1, 2, 4, 8};
// Reading ahead through the cache needs no more than this to show what it does.
constexpr int kCachedReaders[] = {1, 4};

double Seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

// The parts of the files that can be read in pieces.
class Places {
 public:
  static base::Result<Places> Open(const gguf::File& file, bool past_cache) {
    Places places;
    for (uint32_t shard = 0; shard < file.paths().size(); ++shard) {
      base::Result<base::DirectFile> opened = file.OpenDirect(shard, past_cache);
      if (!opened.ok()) return opened.status();
      places.pages_ += opened->size() / kAlign;
      places.files_.push_back(std::move(*opened));
    }
    return places;
  }

  bool direct() const {
    return std::all_of(files_.begin(), files_.end(), [](const base::DirectFile& f) { return f.direct(); });
  }
  /// Reads a piece that begins at a page, counted over all files, or less at a file's end. @returns bytes
  base::Result<uint64_t> Read(uint64_t page, std::span<uint8_t> out) const {
    page %= std::max<uint64_t>(1, pages_);
    for (const base::DirectFile& file : files_) {
      const uint64_t pages = file.size() / kAlign;
      if (page >= pages) {
        page -= pages;
        continue;
      }
      const uint64_t bytes = std::min<uint64_t>(out.size(), (pages - page) * kAlign);
      const base::Status status = file.ReadAt(page * kAlign, out.first(static_cast<size_t>(bytes)));
      if (!status.ok()) return status;
      return bytes;
    }
    return base::Status{base::StatusCode::kIo, "the model's file is too small to be measured"};
  }

 private:
  std::vector<base::DirectFile> files_;
  uint64_t pages_ = 0;
};

// Memory that reads go to: nobody looks at it.
struct Buffers {
  explicit Buffers(uint64_t piece)
      : piece_bytes(piece),
        memory(base::AlignedBuffer<uint8_t>::Unzeroed(static_cast<size_t>(piece * kReaders[3] + kAlign))) {}

  std::span<uint8_t> Of(int reader) {
    const size_t beyond = reinterpret_cast<uintptr_t>(memory.data()) % kAlign;
    const size_t first = (beyond == 0 ? 0 : kAlign - beyond) + static_cast<size_t>(reader) * piece_bytes;
    return {memory.data() + first, static_cast<size_t>(piece_bytes)};
  }

  const uint64_t piece_bytes;
  base::AlignedBuffer<uint8_t> memory;
};

// Bytes a second of `readers` threads that go on for `seconds`; `next(reader)` is the page that comes next.
template <typename Next>
base::Result<double> Rate(const Places& places, Buffers& buffers, int readers, double seconds, const Next& next,
                          const std::atomic<bool>& stop) {
  std::vector<base::Status> failures(static_cast<size_t>(readers));
  std::vector<uint64_t> bytes(static_cast<size_t>(readers));
  const Clock::time_point begin = Clock::now();
  const auto work = [&](int reader) {
    const auto r = static_cast<size_t>(reader);
    base::SplitMix64 random(r + 1);
    do {
      const base::Result<uint64_t> read = places.Read(next(random), buffers.Of(reader));
      if (!read.ok()) {
        failures[r] = read.status();
        return;
      }
      bytes[r] += *read;
    } while (Seconds(begin) < seconds && !stop.load(std::memory_order_relaxed));
  };
  std::vector<std::thread> threads;
  for (int reader = 1; reader < readers; ++reader) threads.emplace_back(work, reader);
  work(0);
  for (std::thread& thread : threads) thread.join();
  const double took = std::max(Seconds(begin), 1e-6);
  uint64_t sum = 0;
  for (size_t r = 0; r < bytes.size(); ++r) {
    ZELL_RETURN_IF_ERROR(failures[r]);
    sum += bytes[r];
  }
  if (stop.load(std::memory_order_relaxed)) {
    return base::Status{base::StatusCode::kCancelled, "the measurement was cancelled"};
  }
  return static_cast<double>(sum) / took;
}

}  // namespace

base::Result<DiskSpeed> MeasureDisk(const gguf::File& file, uint64_t piece_bytes, double seconds,
                                    const std::function<void(uint64_t, uint64_t)>& progress,
                                    const std::atomic<bool>& stop) {
  const uint64_t wanted = std::clamp<uint64_t>(piece_bytes, kAlign, kPieceBytes);
  Buffers buffers((wanted + kAlign - 1) / kAlign * kAlign);
  if (!buffers.memory.ok()) return base::Status{base::StatusCode::kOutOfMemory, "no memory to read the disk into"};
  constexpr uint64_t kSteps = 1 + std::size(kReaders) + std::size(kCachedReaders);
  const double each = seconds / static_cast<double>(kSteps);
  uint64_t done = 0;
  const auto finished = [&] {
    if (progress) progress(++done, kSteps);
  };

  DiskSpeed speed;
  speed.piece_bytes = buffers.piece_bytes;
  base::Result<Places> direct = Places::Open(file, true);
  if (!direct.ok()) return direct.status();
  std::atomic<uint64_t> piece = 0;
  const uint64_t pages = buffers.piece_bytes / kAlign;
  const auto in_order = [&](base::SplitMix64&) { return piece++ * pages; };
  const base::Result<double> sequential = Rate(*direct, buffers, 2, each, in_order, stop);
  if (!sequential.ok()) return sequential.status();
  speed.sequential_per_second = *sequential;
  finished();

  const auto anywhere = [](base::SplitMix64& random) { return random.Next() >> 8; };
  const auto measure = [&](const Places& places, bool past_cache, std::span<const int> all) {
    for (const int readers : all) {
      const base::Result<double> rate = Rate(places, buffers, readers, each, anywhere, stop);
      if (!rate.ok()) return rate.status();
      speed.random.push_back({past_cache, readers, *rate});
      finished();
    }
    return base::Status::Ok();
  };
  ZELL_RETURN_IF_ERROR(measure(*direct, true, kReaders));
  // Known only now: some file systems refuse at the first read.
  speed.takes_direct = direct->direct();
  base::Result<Places> cached = Places::Open(file, false);
  if (!cached.ok()) return cached.status();
  ZELL_RETURN_IF_ERROR(measure(*cached, false, kCachedReaders));
  return speed;
}

}  // namespace zell::stream
