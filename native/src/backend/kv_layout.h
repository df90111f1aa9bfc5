// Where a key or value lies inside a KV block. All f16.
#pragma once

#include <cstddef>

#include "backend/plan.h"

namespace zell::backend {

constexpr size_t kBlockTokens = 32;

/// One block holds kBlockTokens tokens of every layer of a group. For each layer: keys transposed,
/// [kv_heads][key_dim][token], then values, [kv_heads][token][value_dim]: the lanes of attention's two products lie
/// side by side.
class KvLayout {
 public:
  explicit KvLayout(const KvGroup& group) : group_(group) {}

  size_t BlockBytes() const { return group_.layers * LayerElements() * 2; }
  /// Element offsets (of 2 bytes) from the start of a block.
  size_t Keys(size_t layer, size_t head) const {
    return layer * LayerElements() + head * kBlockTokens * group_.key_dim;
  }
  size_t Values(size_t layer, size_t head) const {
    return layer * LayerElements() + kBlockTokens * group_.kv_heads * group_.key_dim +
           head * kBlockTokens * group_.value_dim;
  }

 private:
  size_t LayerElements() const { return kBlockTokens * group_.kv_heads * (group_.key_dim + group_.value_dim); }

  KvGroup group_;
};

}  // namespace zell::backend
