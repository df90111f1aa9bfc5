// Speed of the matrix products per type and ISA, on one thread: GB/s of weights for 1 column, GOPS for many.
//
// kernel_bench [--isa NAME] [--type NAME] [--rows N] [--k N] [--cols N[,N...]] [--seconds S]
// One line per (ISA, type, columns): the best of several timed repetitions.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/test_data.h"

using namespace zell::kernels;
using zell::quant::InfoOf;
using zell::quant::RowBytes;
using zell::quant::TensorType;

namespace {

struct Options {
  std::string isa, type;
  size_t rows = 1536, k = 576;
  std::vector<size_t> cols = {1, 2, 4, 8, 32, 512};
  double seconds = 0.2;
};

bool Parse(int argc, char** argv, Options& o) {
  for (int i = 1; i < argc; i += 2) {
    const std::string name = argv[i];
    if (i + 1 == argc) return false;
    char* value = argv[i + 1];
    if (name == "--isa") {
      o.isa = value;
    } else if (name == "--type") {
      o.type = value;
    } else if (name == "--rows") {
      o.rows = std::strtoul(value, nullptr, 10);
    } else if (name == "--k") {
      o.k = std::strtoul(value, nullptr, 10);
    } else if (name == "--seconds") {
      o.seconds = std::strtod(value, nullptr);
    } else if (name == "--cols") {
      o.cols.clear();
      for (char* part = std::strtok(value, ","); part != nullptr; part = std::strtok(nullptr, ",")) {
        o.cols.push_back(std::strtoul(part, nullptr, 10));
      }
    } else {
      return false;
    }
  }
  return o.rows > 0 && o.k > 0 && !o.cols.empty() && *std::min_element(o.cols.begin(), o.cols.end()) > 0;
}

/// Seconds of the fastest of many calls.
double Best(const Kernels& kernels, TensorType type, const MatmulArgs& args, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  double best = 1e9;
  do {
    const auto start = Clock::now();
    kernels.matmul(type, args);
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  } while (Clock::now() < end);
  return best;
}

void Measure(const Kernels& kernels, TensorType type, const Options& o) {
  const size_t block = InfoOf(type).block_weights;
  const size_t k = (o.k + block - 1) / block * block;
  Random random(7);
  const size_t stride = RowBytes(InfoOf(type), k);
  const std::vector<uint8_t> w = RandomWeights(random, type, k * o.rows);
  for (size_t cols : o.cols) {
    const Columns x = RandomColumns(random, kernels, FormatFor(type), k, cols);
    std::vector<float> y(o.rows * cols);
    const double t =
        Best(kernels, type, {w.data(), stride, o.rows, x.bytes.data(), x.stride, cols, k, y.data(), o.rows}, o.seconds);
    const double ops = 2.0 * static_cast<double>(o.rows) * static_cast<double>(k) * static_cast<double>(cols);
    std::printf("%-11s %-7s %6zu x %5zu x %4zu  %9.1f us  %7.2f GB/s  %7.1f GOPS\n", kernels.name, InfoOf(type).name,
                o.rows, k, cols, t * 1e6, static_cast<double>(stride * o.rows) / t / 1e9, ops / t / 1e9);
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  Options o;
  if (!Parse(argc, argv, o)) {
    std::fprintf(stderr, "kernel_bench [--isa NAME] [--type NAME] [--rows N] [--k N] [--cols N,N] [--seconds S]\n");
    return 2;
  }
  for (const Kernels* kernels : SupportedKernels()) {
    if (!o.isa.empty() && o.isa != kernels->name) continue;
    for (TensorType type : kAllTypes) {
      if (o.type.empty() || o.type == InfoOf(type).name) Measure(*kernels, type, o);
    }
  }
  return 0;
}
