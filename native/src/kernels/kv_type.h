// How keys and values are kept, and how many bytes a head's numbers take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace zell::kernels {

enum class KvType : uint8_t {
  kF16,
  kQ8_0,  ///< int8 with an f16 scale for each kKvGroup
  kQ4_0,  ///< 4 bits, 8 too large, with such a scale
};
constexpr size_t kKvTypes = 3;

/// By its name in lower case, as in `q8_0`.
constexpr std::optional<KvType> KvTypeOf(std::string_view name) {
  if (name == "f16") return KvType::kF16;
  if (name == "q8_0") return KvType::kQ8_0;
  if (name == "q4_0") return KvType::kQ4_0;
  return std::nullopt;
}

/// Numbers of a key or value that share a scale.
constexpr size_t kKvGroup = 32;
/// How many such groups `dim` numbers take; the last is filled up with zeros.
constexpr size_t KvGroups(size_t dim) { return (dim + kKvGroup - 1) / kKvGroup; }

/// Bytes of one group's numbers, without its scale. Not for kF16.
constexpr size_t KvGroupBytes(KvType type) { return type == KvType::kQ8_0 ? kKvGroup : kKvGroup / 2; }

}  // namespace zell::kernels
