// KV blocks in a file: a header that only its maker reads, a checksum for each block, the blocks one after the other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace zell::kv {

/// The bytes of some blocks of a sequence: [group] → the block's size, and the addresses of its blocks in order.
struct BlockBytesOf {
  size_t block_bytes = 0;
  std::vector<uint8_t*> blocks;
};
using GroupBlocks = std::vector<BlockBytesOf>;

/// Writes blocks so that the file appears complete or not at all. `seeds` [blocks]: what each checksum begins with; a
/// block that is read with another seed counts as damaged, so seeds bind a block to what it belongs to.
/// @errors kInvalidRequest: a group holds fewer blocks than there are seeds; as base::AtomicFile.
base::Status WriteBlocks(const std::string& path, std::span<const uint8_t> header, std::span<const uint64_t> seeds,
                         const GroupBlocks& groups);

/// Where blocks lie in a file that WriteBlocks made.
struct BlockRange {
  std::string path;
  uint64_t header_bytes = 0;
  uint32_t blocks_in_file = 0;
  uint32_t first = 0;
  uint32_t count = 0;
};

/// Reads the range into `groups` from block `to` on, in the order of the file, on up to `threads` threads. `seeds`:
/// [count].
/// @returns how many of them are whole; the rest is unusable. An absent, cut or damaged file is no error but 0 or more.
uint32_t ReadBlocks(const BlockRange& range, std::span<const uint64_t> seeds, const GroupBlocks& groups, uint32_t to,
                    int threads = 1);

}  // namespace zell::kv
