// How near matrix-vector products from memory come to plain reading, with two threads: GB/s of both, in turn.
//
// stream_bench [--isa NAME] [--type NAME] [--megabytes N] [--k N] [--cols N] [--passes N] [--pages small|huge]
//              [--file PATH]
// The weights lie in memory of small or huge pages, or are what PATH holds, mapped (their values do not matter). There
// must be more of them than any cache holds. Tiles of 256 and of 32 rows are claimed in turn, as a decode step does.
// One line: the best of `passes` (ten) passes of each.
#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/test_data.h"

using namespace zell::kernels;
using zell::quant::InfoOf;
using zell::quant::RowBytes;
using zell::quant::TensorType;

namespace {

constexpr size_t kSpare = 1 << 16;  ///< behind the weights: prefetches may ask for it

double Now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Runs work(0) and work(1) at once, from the moment that both threads are there.
void OnTwoThreads(const std::function<void(int)>& work) {
  std::atomic<int> there{0};
  const auto start = [&](int thread) {
    ++there;
    while (there < 2) {
    }
    work(thread);
  };
  std::thread other(start, 1);
  start(0);
  other.join();
}

uint64_t Sum(const uint64_t* words, size_t n) {
  uint64_t sums[16] = {};
  const size_t part = n / 4;
  for (size_t i = 0; i + 16 <= part; i += 16) {
    for (size_t stream = 0; stream < 4; ++stream) {
      for (size_t j = 0; j < 16; ++j) sums[j] += words[stream * part + i + j];
    }
  }
  uint64_t sum = 0;
  for (const uint64_t s : sums) sum += s;
  return sum;
}

/// `bytes` bytes of weights, or null.
const uint8_t* Weights(const std::string& file, bool huge, TensorType type, size_t k, size_t bytes) {
  if (!file.empty()) {
    const int handle = open(file.c_str(), O_RDONLY);
    void* mapped = handle < 0 ? MAP_FAILED : mmap(nullptr, bytes, PROT_READ, MAP_SHARED, handle, 0);
    return mapped == MAP_FAILED ? nullptr : static_cast<const uint8_t*>(mapped);
  }
  void* memory = mmap(nullptr, bytes + kSpare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  static_cast<void>(huge);
#if defined(__linux__)
  madvise(memory, bytes + kSpare, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
#endif
  Random random(7);
  const std::vector<uint8_t> some = RandomWeights(random, type, k * 64);
  auto* to = static_cast<uint8_t*>(memory);
  for (size_t at = 0; at < bytes; at += some.size())
    std::memcpy(to + at, some.data(), std::min(some.size(), bytes - at));
  return to;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options = {{"--isa", ActiveKernels().name},
                                                {"--type", "Q4_K"},
                                                {"--megabytes", "1200"},
                                                {"--k", "1536"},
                                                {"--cols", "1"},
                                                {"--passes", "10"},
                                                {"--file", ""},
                                                {"--pages", "small"}};
  bool known = argc % 2 == 1;
  for (int i = 1; known && i + 1 < argc; i += 2) {
    known = options.count(argv[i]) == 1;
    if (known) options[argv[i]] = argv[i + 1];
  }
  const auto number = [&](const char* name) { return std::strtoul(options[name].c_str(), nullptr, 10); };
  const Kernels* kernels = nullptr;
  for (const Kernels* one : SupportedKernels()) {
    if (options["--isa"] == one->name) kernels = one;
  }
  const auto type = std::find_if(kAllTypes.begin(), kAllTypes.end(),
                                 [&](TensorType t) { return options["--type"] == InfoOf(t).name; });
  const size_t k = number("--k"), cols = number("--cols"), passes = number("--passes");
  if (!known || kernels == nullptr || type == kAllTypes.end() || cols == 0 || k == 0 ||
      k % InfoOf(*type).block_weights != 0) {
    std::fprintf(stderr,
                 "stream_bench [--isa NAME] [--type NAME] [--megabytes N] [--k N] [--cols N] [--passes N] "
                 "[--pages small|huge] [--file PATH]\n");
    return 2;
  }
  const size_t stride = RowBytes(InfoOf(*type), k), rows = number("--megabytes") * 1000000 / stride,
               bytes = rows * stride;
  const uint8_t* w = Weights(options["--file"], options["--pages"] == "huge", *type, k, bytes);
  if (w == nullptr) {
    std::perror("no weights");
    return 1;
  }
  Random random(8);
  const Columns x = RandomColumns(random, *kernels, FormatFor(*type), k, cols);
  std::vector<float> y(rows * cols);
  std::atomic<uint64_t> sink{0};
  const auto read = [&](int thread) {
    const size_t half = bytes / 2 / sizeof(uint64_t);
    sink += Sum(reinterpret_cast<const uint64_t*>(w) + (thread == 0 ? 0 : half), half);
  };
  const auto products = [&](size_t tile, std::atomic<size_t>& next) {
    bool asked_for = false;
    for (size_t r = next.fetch_add(tile); r < rows;) {
      const size_t n = std::min(tile, rows - r), after = next.fetch_add(tile);
      const uint8_t* ahead = after < rows ? w + after * stride : nullptr;
      kernels->matmul(
          *type, {w + r * stride, stride, n, x.bytes.data(), x.stride, cols, k, y.data() + r, rows, ahead, asked_for});
      asked_for = ahead != nullptr;
      r = after;
    }
  };
  double best[3] = {};
  for (size_t pass = 0; pass < passes; ++pass) {
    for (int what = 0; what < 3; ++what) {
      std::atomic<size_t> next{0};
      const double start = Now();
      OnTwoThreads([&](int thread) { what == 0 ? read(thread) : products(what == 1 ? 256 : 32, next); });
      best[what] = std::max(best[what], static_cast<double>(bytes) / (Now() - start) / 1e9);
    }
  }
  std::printf("%s %s k %zu cols %zu: plain read %.1f GB/s, tiles of 256 rows %.1f (%.0f %%), of 32 %.1f (%.0f %%)\n",
              kernels->name, InfoOf(*type).name, k, cols, best[0], best[1], 100 * best[1] / best[0], best[2],
              100 * best[2] / best[0]);
  return sink == 1 ? 1 : 0;
}
