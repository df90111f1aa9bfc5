// One token stream's place in the KV cache: a list of blocks per group and how many tokens they hold.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "kv/cache.h"

namespace zell::kv {

/// Not thread-safe (nor is its cache); movable. Blocks may be shared with other sequences: they are copied before the
/// first write.
class Sequence {
 public:
  explicit Sequence(Cache& cache) : cache_(&cache), blocks_(cache.groups()) {}
  Sequence(Sequence&& other) noexcept;
  Sequence& operator=(Sequence&&) = delete;
  ~Sequence() { Clear(); }

  uint32_t length() const { return length_; }

  /// Blocks that Prepare(tokens) would draw from each group: those behind the end, and one to copy a shared tail to.
  size_t BlocksMissing(size_t tokens) const;
  /// Room of its own for `tokens` more. Changes neither length nor what the committed tokens hold.
  /// @errors kOutOfMemory: the blocks are used up; what was there stays.
  /// `zeroed`: as BlockPool::Draw.
  base::Status Prepare(size_t tokens, bool zeroed = true);
  /// The next `tokens` prepared rows now count.
  void Commit(size_t tokens);
  /// Gives back prepared blocks that hold no committed token.
  void DropPrepared();
  /// Forgets all but the first `length` tokens; length ≤ length().
  void Truncate(uint32_t length);
  /// A sequence that shares the first `length` tokens' blocks; length ≤ length().
  Sequence Fork(uint32_t length) const;
  /// Becomes such a fork of another sequence of the same cache, in place of what it held.
  void Adopt(const Sequence& other, uint32_t length);
  void Clear() { Truncate(0); }

  /// [group] → addresses of all its blocks, the prepared ones included. Valid until the next call that changes it.
  std::vector<std::vector<uint8_t*>> Addresses() const;

 private:
  void Keep(size_t n_blocks);
  base::Status OwnTail();

  Cache* cache_;
  std::vector<std::vector<BlockId>> blocks_;
  uint32_t length_ = 0;
};

}  // namespace zell::kv
