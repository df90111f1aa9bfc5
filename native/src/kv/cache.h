// The KV cache of one model: a block pool for each KV group.
#pragma once

#include <vector>

#include "backend/kv_layout.h"
#include "kv/block_pool.h"

namespace zell::kv {

constexpr size_t kBlockTokens = backend::kBlockTokens;

/// Blocks that hold n tokens.
constexpr size_t BlocksFor(size_t tokens) { return (tokens + kBlockTokens - 1) / kBlockTokens; }

/// Bytes of one block in every group together.
size_t BlockBytes(const std::vector<backend::KvGroup>& groups);

/// Not thread-safe. Outlives its sequences.
class Cache {
 public:
  /// `most_blocks` in each group.
  Cache(const std::vector<backend::KvGroup>& groups, size_t most_blocks);

  size_t groups() const { return pools_.size(); }
  BlockPool& pool(size_t group) { return pools_[group]; }
  /// Of the fullest group.
  size_t used() const;
  size_t limit() const { return limit_; }

 private:
  std::vector<BlockPool> pools_;
  size_t limit_;
};

}  // namespace zell::kv
