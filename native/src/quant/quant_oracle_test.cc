// Every dequantiser against the oracle's, bit by bit, over random blocks with every kind of scale.
#include <bit>
#include <cmath>
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

/// nullptr when there is no oracle. Never closed.
void* Oracle() {
  static void* const library = [] {
    const char* named = std::getenv("ZELL_ORACLE_DIR");
    const std::filesystem::path folder = named != nullptr ? std::filesystem::path(named)
                                                          : std::filesystem::path(ZELL_SOURCE_ROOT) /
                                                                "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64";
    return ::dlopen((folder / "libggml-base.so").c_str(), RTLD_NOW | RTLD_LOCAL);
  }();
  return library;
}

template <typename Function>
Function* Symbol(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(Oracle(), name));
}

constexpr const char* kNoOracle = "libggml-base.so not found (ZELL_ORACLE_DIR)";

bool SameBits(float a, float b) {
  if (std::isnan(a) && std::isnan(b)) return true;  // payloads may differ
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
}

/// Compares 4,096 random blocks; all bytes are random, so every scale (also subnormal, infinite, NaN) occurs.
void Compare(TensorType type, const char* symbol) {
  using RowFunction = void(const void*, float*, int64_t);
  RowFunction* const oracle = Symbol<RowFunction>(symbol);
  if (oracle == nullptr) return test::Fail(__FILE__, __LINE__, std::string("the oracle lacks ") + symbol);
  const TypeInfo& info = InfoOf(type);
  constexpr size_t kBlocks = 4096;
  const size_t n = kBlocks * info.block_weights;
  std::mt19937 random(static_cast<uint32_t>(type) + 1);
  std::vector<uint8_t> blocks(kBlocks * info.block_bytes);
  for (uint8_t& byte : blocks) byte = static_cast<uint8_t>(random());
  std::vector<float> ours(n), theirs(n);
  Dequantize(type, blocks.data(), ours.data(), n);
  oracle(blocks.data(), theirs.data(), static_cast<int64_t>(n));
  size_t n_different = 0;
  for (size_t i = 0; i < n; ++i) {
    if (SameBits(ours[i], theirs[i])) continue;
    if (n_different++ == 0) {
      test::Fail(__FILE__, __LINE__,
                 std::string(info.name) + " weight " + std::to_string(i % info.block_weights) + ": " +
                     test::Show(ours[i]) + " != " + test::Show(theirs[i]));
    }
  }
  CHECK_EQ(n_different, size_t{0});
}

#define ZELL_ORACLE_TEST(type, symbol)                      \
  TEST(OracleDequantizes##type) {                           \
    if (Oracle() == nullptr) SKIP(kNoOracle);               \
    Compare(TensorType::k##type, "dequantize_row_" symbol); \
  }

ZELL_ORACLE_TEST(Q4_0, "q4_0")
ZELL_ORACLE_TEST(Q4_1, "q4_1")
ZELL_ORACLE_TEST(Q5_0, "q5_0")
ZELL_ORACLE_TEST(Q5_1, "q5_1")
ZELL_ORACLE_TEST(Q8_0, "q8_0")
ZELL_ORACLE_TEST(Q2_K, "q2_K")
ZELL_ORACLE_TEST(Q3_K, "q3_K")
ZELL_ORACLE_TEST(Q4_K, "q4_K")
ZELL_ORACLE_TEST(Q5_K, "q5_K")
ZELL_ORACLE_TEST(Q6_K, "q6_K")
ZELL_ORACLE_TEST(Q8_K, "q8_K")
ZELL_ORACLE_TEST(Q1_0, "q1_0")
ZELL_ORACLE_TEST(Q2_0, "q2_0")
ZELL_ORACLE_TEST(TQ1_0, "tq1_0")
ZELL_ORACLE_TEST(TQ2_0, "tq2_0")
ZELL_ORACLE_TEST(IQ4_NL, "iq4_nl")
ZELL_ORACLE_TEST(IQ4_XS, "iq4_xs")
ZELL_ORACLE_TEST(MXFP4, "mxfp4")
ZELL_ORACLE_TEST(NVFP4, "nvfp4")
ZELL_ORACLE_TEST(IQ1_S, "iq1_s")
ZELL_ORACLE_TEST(IQ1_M, "iq1_m")
ZELL_ORACLE_TEST(IQ2_XXS, "iq2_xxs")
ZELL_ORACLE_TEST(IQ2_XS, "iq2_xs")
ZELL_ORACLE_TEST(IQ2_S, "iq2_s")
ZELL_ORACLE_TEST(IQ3_XXS, "iq3_xxs")
ZELL_ORACLE_TEST(IQ3_S, "iq3_s")

TEST(OracleAgreesOnEveryF16AndBF16) {
  if (Oracle() == nullptr) SKIP(kNoOracle);
  auto* const from_f16 = Symbol<float(uint16_t)>("ggml_fp16_to_fp32");
  auto* const from_bf16 = Symbol<float(uint16_t)>("ggml_bf16_to_fp32");
  REQUIRE(from_f16 != nullptr && from_bf16 != nullptr);
  for (uint32_t h = 0; h < 65536; ++h) {
    const uint16_t half = static_cast<uint16_t>(h);
    if (!SameBits(F16ToF32(half), from_f16(half)) || !SameBits(BF16ToF32(half), from_bf16(half))) {
      test::Fail(__FILE__, __LINE__, "half " + std::to_string(h));
      return;
    }
  }
}

TEST(OracleAgreesOnRoundingToF16AndBF16) {
  if (Oracle() == nullptr) SKIP(kNoOracle);
  auto* const to_f16 = Symbol<uint16_t(float)>("ggml_fp32_to_fp16");
  auto* const to_bf16 = Symbol<uint16_t(float)>("ggml_fp32_to_bf16");
  REQUIRE(to_f16 != nullptr && to_bf16 != nullptr);
  std::mt19937 random(7);
  for (int i = 0; i < 2'000'000; ++i) {
    const float f = std::bit_cast<float>(static_cast<uint32_t>(random()));
    // NaN payloads are nobody's promise in f16.
    const bool same_f16 = std::isnan(f) ? std::isnan(F16ToF32(F32ToF16(f))) : F32ToF16(f) == to_f16(f);
    if (!same_f16 || F32ToBF16(f) != to_bf16(f)) {
      test::Fail(__FILE__, __LINE__, "float bits " + std::to_string(std::bit_cast<uint32_t>(f)));
      return;
    }
  }
}

}  // namespace
}  // namespace zell::quant

#else
TEST(OracleDequantizes) { SKIP("the oracle is looked for on Linux only"); }
#endif

ZELL_TEST_MAIN
