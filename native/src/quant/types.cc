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
