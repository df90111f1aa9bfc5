// Blocks of KV memory, drawn from chunks of an arena that grows without moving what it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/aligned_buffer.h"

namespace zell::kv {

using BlockId = uint32_t;

/// Blocks of one size with reference counts. Not thread-safe; an address stays valid until the last Release.
class BlockPool {
 public:
  /// No memory is taken before the first Draw.
  BlockPool(size_t block_bytes, size_t most_blocks);

  /// A block with one reference; nullopt at the limit or when the system has no memory. `zeroed` false: its bytes are
  /// anything, for who writes all of them before somebody reads one.
  std::optional<BlockId> Draw(bool zeroed = true);
  void Retain(BlockId id);
  /// The last release gives the block back, and a chunk without blocks to the system.
  void Release(BlockId id);

  uint8_t* Data(BlockId id);
  uint32_t References(BlockId id) const;
  size_t used() const { return used_; }
  size_t limit() const { return limit_; }
  size_t block_bytes() const { return block_bytes_; }

 private:
  struct Chunk {
    base::AlignedBuffer<uint8_t> memory;
    std::vector<uint32_t> references;
    std::vector<uint32_t> free;  ///< indices in this chunk
  };
  bool Grow(size_t* chunk);

  size_t block_bytes_;
  size_t limit_;
  size_t blocks_per_chunk_;
  size_t used_ = 0;
  std::vector<Chunk> chunks_;  ///< those without memory wait to be used again
};

}  // namespace zell::kv
