// The table of tensor types.
#include <cstdlib>

#include "quant/blocks.h"

namespace zell::quant {
namespace {

constexpr TypeInfo kTypes[] = {
    {TensorType::kF32, "F32", 1, 4},
    {TensorType::kF16, "F16", 1, 2},
    {TensorType::kBF16, "BF16", 1, 2},
    {TensorType::kQ4_0, "Q4_0", kSmallBlock, sizeof(BlockQ4_0)},
    {TensorType::kQ4_1, "Q4_1", kSmallBlock, sizeof(BlockQ4_1)},
    {TensorType::kQ5_0, "Q5_0", kSmallBlock, sizeof(BlockQ5_0)},
    {TensorType::kQ5_1, "Q5_1", kSmallBlock, sizeof(BlockQ5_1)},
    {TensorType::kQ8_0, "Q8_0", kSmallBlock, sizeof(BlockQ8_0)},
    {TensorType::kQ2_K, "Q2_K", kSuperBlock, sizeof(BlockQ2_K)},
    {TensorType::kQ3_K, "Q3_K", kSuperBlock, sizeof(BlockQ3_K)},
    {TensorType::kQ4_K, "Q4_K", kSuperBlock, sizeof(BlockQ4_K)},
    {TensorType::kQ5_K, "Q5_K", kSuperBlock, sizeof(BlockQ5_K)},
    {TensorType::kQ6_K, "Q6_K", kSuperBlock, sizeof(BlockQ6_K)},
    {TensorType::kQ8_1, "Q8_1", kSmallBlock, sizeof(BlockQ8_1)},
    {TensorType::kQ8_K, "Q8_K", kSuperBlock, sizeof(BlockQ8_K)},
    {TensorType::kQ1_0, "Q1_0", 128, sizeof(BlockQ1_0)},
    {TensorType::kQ2_0, "Q2_0", 64, sizeof(BlockQ2_0)},
    {TensorType::kTQ1_0, "TQ1_0", kSuperBlock, sizeof(BlockTQ1_0)},
    {TensorType::kTQ2_0, "TQ2_0", kSuperBlock, sizeof(BlockTQ2_0)},
    {TensorType::kIQ4_NL, "IQ4_NL", kSmallBlock, sizeof(BlockIQ4_NL)},
    {TensorType::kIQ4_XS, "IQ4_XS", kSuperBlock, sizeof(BlockIQ4_XS)},
    {TensorType::kMXFP4, "MXFP4", kSmallBlock, sizeof(BlockMXFP4)},
    {TensorType::kNVFP4, "NVFP4", 64, sizeof(BlockNVFP4)},
    {TensorType::kIQ1_S, "IQ1_S", kSuperBlock, sizeof(BlockIQ1_S)},
    {TensorType::kIQ1_M, "IQ1_M", kSuperBlock, sizeof(BlockIQ1_M)},
    {TensorType::kIQ2_XXS, "IQ2_XXS", kSuperBlock, sizeof(BlockIQ2_XXS)},
    {TensorType::kIQ2_XS, "IQ2_XS", kSuperBlock, sizeof(BlockIQ2_XS)},
    {TensorType::kIQ2_S, "IQ2_S", kSuperBlock, sizeof(BlockIQ2_S)},
    {TensorType::kIQ3_XXS, "IQ3_XXS", kSuperBlock, sizeof(BlockIQ3_XXS)},
    {TensorType::kIQ3_S, "IQ3_S", kSuperBlock, sizeof(BlockIQ3_S)},
    {TensorType::kF64, "F64", 1, 8},
    {TensorType::kI8, "I8", 1, 1},
    {TensorType::kI16, "I16", 1, 2},
    {TensorType::kI32, "I32", 1, 4},
    {TensorType::kI64, "I64", 1, 8},
};

}  // namespace

std::span<const TypeInfo> Types() { return kTypes; }

const TypeInfo* FindType(uint32_t gguf_type) {
  for (const TypeInfo& info : kTypes) {
    if (static_cast<uint32_t>(info.type) == gguf_type) return &info;
  }
  return nullptr;
}

const TypeInfo& InfoOf(TensorType type) {
  const TypeInfo* info = FindType(static_cast<uint32_t>(type));
  if (info == nullptr) std::abort();  // not a TensorType: a bug of the caller
  return *info;
}

}  // namespace zell::quant
