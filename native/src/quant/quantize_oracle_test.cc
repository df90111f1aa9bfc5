// The searching quantisers against the oracle's: our error is not larger than theirs, with and without importance.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <vector>

#include "check.h"
#include "quant/blocks.h"

#if !defined(_WIN32)
#include <dlfcn.h>

namespace zell::quant {
namespace {

using OracleQuantize = size_t(int, const float*, void*, int64_t, int64_t, int64_t, const float*);

/// nullptr when there is no oracle. Never closed.
OracleQuantize* FindOracle() {
  static OracleQuantize* const found = [] {
    const char* named = std::getenv("ZELL_ORACLE_DIR");
    const std::filesystem::path folder = named != nullptr ? std::filesystem::path(named)
                                                          : std::filesystem::path(ZELL_SOURCE_ROOT) /
                                                                "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64";
    void* library = ::dlopen((folder / "libggml-base.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    return library == nullptr ? nullptr : reinterpret_cast<OracleQuantize*>(::dlsym(library, "ggml_quantize_chunk"));
  }();
  return found;
}

constexpr size_t kRows = 64, kRow = 1024;

/// Rows as models have them: normal, some heavier-tailed, each with its own size and a few outliers.
std::vector<float> Weights() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  std::vector<float> x(kRows * kRow);
  for (size_t r = 0; r < kRows; ++r) {
    const float size = 0.02f * std::exp(normal(random) * 0.5f);
    for (size_t i = 0; i < kRow; ++i) {
      const float z = normal(random);
      x[r * kRow + i] = size * (r % 2 == 0 ? z : z * std::fabs(z)) + (i % 97 == 5 ? size * 4 * normal(random) : 0);
    }
  }
  return x;
}

/// Mean squares of activations: most near 1, a few channels far above.
std::vector<float> Importance() {
  std::mt19937 random(8);
  std::normal_distribution<float> normal;
  std::vector<float> w(kRow);
  for (float& value : w) value = std::exp(1.2f * normal(random));
  return w;
}

double Error(TensorType type, const std::vector<uint8_t>& blocks, const std::vector<float>& x,
             const float* importance) {
  std::vector<float> y(x.size());
  Dequantize(type, blocks.data(), y.data(), y.size());
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double off = double(y[i]) - x[i];
    sum += off * off * (importance == nullptr ? 1.0 : importance[i % kRow]);
  }
  return sum;
}

void Compare(TensorType type) {
  const std::vector<float> x = Weights(), importance = Importance();
  const size_t row_bytes = RowBytes(InfoOf(type), kRow);
  for (const float* w : {static_cast<const float*>(nullptr), importance.data()}) {
    std::vector<uint8_t> ours(kRows * row_bytes), theirs(ours.size()), plain(ours.size());
    for (size_t r = 0; r < kRows; ++r) {
      CHECK(QuantizeBest(type, x.data() + r * kRow, w, ours.data() + r * row_bytes, kRow));
      CHECK(Quantize(type, x.data() + r * kRow, plain.data() + r * row_bytes, kRow));
    }
    FindOracle()(static_cast<int>(type), x.data(), theirs.data(), 0, kRows, kRow, w);
    const double our_error = Error(type, ours, x, w), their_error = Error(type, theirs, x, w);
    std::printf("     %s %s: squared error %.3f of the oracle's, %.3f of plain rounding\n", InfoOf(type).name,
                w == nullptr ? "plain" : "with importance", our_error / their_error,
                our_error / Error(type, plain, x, w));
    CHECK(our_error <= 1.02 * their_error);
    CHECK(our_error <= Error(type, plain, x, w));
  }
}

#define ZELL_QUANTIZER_TEST(type)                                                     \
  TEST(SearchIsAsGoodAsTheOracles##type) {                                            \
    if (FindOracle() == nullptr) SKIP("libggml-base.so not found (ZELL_ORACLE_DIR)"); \
    Compare(TensorType::k##type);                                                     \
  }

ZELL_QUANTIZER_TEST(Q4_0)
ZELL_QUANTIZER_TEST(Q4_1)
ZELL_QUANTIZER_TEST(Q5_0)
ZELL_QUANTIZER_TEST(Q5_1)
ZELL_QUANTIZER_TEST(Q2_K)
ZELL_QUANTIZER_TEST(Q3_K)
ZELL_QUANTIZER_TEST(Q4_K)
ZELL_QUANTIZER_TEST(Q5_K)
ZELL_QUANTIZER_TEST(Q6_K)
ZELL_QUANTIZER_TEST(IQ4_NL)
ZELL_QUANTIZER_TEST(IQ4_XS)
ZELL_QUANTIZER_TEST(MXFP4)
ZELL_QUANTIZER_TEST(TQ1_0)
ZELL_QUANTIZER_TEST(TQ2_0)

}  // namespace
}  // namespace zell::quant

#else
TEST(SearchIsAsGoodAsTheOracles) { SKIP("the oracle's library is Linux's"); }
#endif

ZELL_TEST_MAIN
