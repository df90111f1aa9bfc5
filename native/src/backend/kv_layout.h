// Where a key or value lies inside a KV block.
#pragma once

#include <cstddef>

#include "backend/plan.h"

namespace zell::backend {

constexpr size_t kBlockTokens = 32;

/// One block holds kBlockTokens tokens of every layer of a group. For each layer: keys transposed,
/// [kv_heads][key_dim][token], then values, [kv_heads][token][value_dim]: the lanes of attention's two products lie
/// side by side. kernels/attend.h has what a head's part looks like for every type.
class KvLayout {
 public:
  explicit KvLayout(const KvGroup& group) : group_(group) {}

  size_t BlockBytes() const { return group_.layers * LayerElements() * 2; }
  /// Element offsets (of 2 bytes) from the start of a block.
  size_t Keys(size_t layer, size_t head) const { return layer * LayerElements() + head * KeyElements(); }
  size_t Values(size_t layer, size_t head) const {
    return layer * LayerElements() + group_.kv_heads * KeyElements() + head * ValueElements();
  }
  /// Of one layer and head.
  size_t KeyElements() const { return HeadElements(KeyType(group_.type), group_.key_dim); }
  size_t ValueElements() const { return HeadElements(ValueType(group_.type), group_.value_dim); }

 private:
  static size_t HeadElements(kernels::KvType type, size_t dim) {
    if (type == kernels::KvType::kF16) return kBlockTokens * dim;
    return kernels::KvGroups(dim) * kBlockTokens * (kernels::KvGroupBytes(type) / 2 + 1);
  }
  size_t LayerElements() const { return group_.kv_heads * (KeyElements() + ValueElements()); }

  KvGroup group_;
};

}  // namespace zell::backend
