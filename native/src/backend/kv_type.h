// How a model's keys and values are kept: both alike, or values in fewer bits, which cost less of the quality than
// keys.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "kernels/kv_type.h"

namespace zell::backend {

enum class KvType : uint8_t { kF16, kQ8_0, kQ4_0, kQ8Q4 };

/// What kernels know keys and values as.
constexpr kernels::KvType KeyType(KvType type) {
  if (type == KvType::kF16) return kernels::KvType::kF16;
  return type == KvType::kQ4_0 ? kernels::KvType::kQ4_0 : kernels::KvType::kQ8_0;
}
constexpr kernels::KvType ValueType(KvType type) {
  return type == KvType::kQ8Q4 ? kernels::KvType::kQ4_0 : KeyType(type);
}

/// By its name in lower case: that of keys and values, or `q8q4` for q8_0 keys with q4_0 values.
constexpr std::optional<KvType> KvTypeOf(std::string_view name) {
  if (name == "q8q4") return KvType::kQ8Q4;
  const std::optional<kernels::KvType> both = kernels::KvTypeOf(name);
  for (const KvType type : {KvType::kF16, KvType::kQ8_0, KvType::kQ4_0}) {
    if (both == KeyType(type)) return type;
  }
  return std::nullopt;
}

}  // namespace zell::backend
