#include "runtime/machine_limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/memory_info.h"
#include "base/thread_pool.h"
#include "kernels/int8_peak.h"
#include "kernels/kernels.h"

namespace zell::runtime {
namespace {

using Clock = std::chrono::steady_clock;

constexpr uint64_t kMostBuffer = uint64_t{1} << 30;
constexpr uint64_t kLeastBuffer = uint64_t{64} << 20;
constexpr size_t kLineWords = 8;  // of 64 bits
constexpr size_t kStreams = 4;
constexpr int kReadPasses = 8;
constexpr double kSecondsOfProducts = 0.3;
/// Long enough that starting the threads does not count.
constexpr double kSecondsOfRound = 0.02;

double Seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

/// One addition for each word: the compiler makes vectors of it, and memory is slower than any of them. Several places
/// in turn: each has a prefetcher of its own.
uint64_t Sum(std::span<const uint64_t> words) {
  uint64_t sums[2 * kLineWords] = {};
  const size_t part = words.size() / kStreams;
  for (size_t i = 0; i + 2 * kLineWords <= part; i += 2 * kLineWords) {
    for (size_t s = 0; s < kStreams; ++s) {
      for (size_t j = 0; j < 2 * kLineWords; ++j) sums[j] += words[s * part + i + j];
    }
  }
  uint64_t sum = 0;
  for (const uint64_t s : sums) sum += s;
  return sum;
}

/// Bytes a second of one pass in which each thread reads its own part.
double ReadPass(base::ThreadPool& pool, std::span<const uint64_t> words, std::vector<uint64_t>& sums) {
  const auto threads = static_cast<size_t>(pool.size());
  const size_t part = words.size() / threads / (2 * kLineWords * kStreams) * (2 * kLineWords * kStreams);
  const Clock::time_point start = Clock::now();
  pool.Run([&](int thread) {
    const auto t = static_cast<size_t>(thread);
    sums[t] += Sum(words.subspan(t * part, part));
  });
  return static_cast<double>(part * threads * sizeof(uint64_t)) / Seconds(start);
}

double ProductsPass(base::ThreadPool& pool, kernels::Isa isa, size_t rounds, double& seconds) {
  std::vector<uint64_t> operations(static_cast<size_t>(pool.size()));
  const Clock::time_point start = Clock::now();
  pool.Run([&](int thread) { operations[static_cast<size_t>(thread)] = kernels::RunInt8Products(isa, rounds); });
  seconds = Seconds(start);
  uint64_t sum = 0;
  for (const uint64_t n : operations) sum += n;
  return static_cast<double>(sum) / seconds;
}

double BestProducts(base::ThreadPool& pool, kernels::Isa isa, const std::atomic<bool>& stop) {
  size_t rounds = 1000;
  double best = 0;
  for (const Clock::time_point start = Clock::now(); Seconds(start) < kSecondsOfProducts && !stop;) {
    double seconds = 0;
    const double rate = ProductsPass(pool, isa, rounds, seconds);
    if (seconds < kSecondsOfRound) {
      rounds *= 4;
    } else {
      best = std::max(best, rate);
    }
  }
  return best;
}

}  // namespace

base::Result<MachineLimits> MeasureLimits(int threads, const std::atomic<bool>& stop) {
  MachineLimits limits;
  limits.threads = std::max(1, threads);
  limits.isa = kernels::ActiveKernels().name;
  base::ThreadPool pool(limits.threads);

  const uint64_t wanted = std::clamp(base::GetMemoryInfo().available_bytes / 8, kLeastBuffer, kMostBuffer);
  base::AlignedBuffer<uint64_t> words(static_cast<size_t>(wanted / sizeof(uint64_t)));
  if (!words.ok()) return base::Status{base::StatusCode::kOutOfMemory, "No memory for the read measurement."};
  limits.buffer_bytes = static_cast<size_t>(wanted);
  // Real pages with something in them: a page of zeros may be one page for all.
  for (size_t i = 0; i < words.size(); i += 512) words[i] = i;
  std::vector<uint64_t> sums(static_cast<size_t>(limits.threads));
  for (int pass = 0; pass < kReadPasses && !stop; ++pass) {
    limits.read_bytes_per_second = std::max(limits.read_bytes_per_second, ReadPass(pool, words.span(), sums));
  }
  limits.int8_ops_per_second = BestProducts(pool, kernels::ActiveKernels().isa, stop);
  if (stop) return base::Status{base::StatusCode::kCancelled, "The measurement was cancelled."};
  // Never true for sums of what was written; keeps the reads from being left out.
  if (sums[0] == UINT64_MAX) limits.read_bytes_per_second = 0;
  return limits;
}

}  // namespace zell::runtime
