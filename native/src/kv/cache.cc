#include "kv/cache.h"

#include <algorithm>

namespace zell::kv {

size_t BlockBytes(const std::vector<backend::KvGroup>& groups) {
  size_t bytes = 0;
  for (const backend::KvGroup& group : groups) bytes += backend::KvLayout(group).BlockBytes();
  return bytes;
}

Cache::Cache(const std::vector<backend::KvGroup>& groups, size_t most_blocks) : limit_(most_blocks) {
  for (const backend::KvGroup& group : groups) pools_.emplace_back(backend::KvLayout(group).BlockBytes(), most_blocks);
}

size_t Cache::used() const {
  size_t most = 0;
  for (const BlockPool& pool : pools_) most = std::max(most, pool.used());
  return most;
}

}  // namespace zell::kv
