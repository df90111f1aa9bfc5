#include "kv/block_pool.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace zell::kv {
namespace {

// Large enough that the system is asked rarely, small enough that little lies idle.
constexpr size_t kChunkBytes = 8 * 1024 * 1024;

}  // namespace

BlockPool::BlockPool(size_t block_bytes, size_t most_blocks)
    : block_bytes_((block_bytes + base::kBufferAlignment - 1) / base::kBufferAlignment * base::kBufferAlignment),
      limit_(std::min<size_t>(most_blocks, UINT32_MAX / 2)),
      blocks_per_chunk_(std::max<size_t>(1, kChunkBytes / std::max<size_t>(1, block_bytes_))) {}

bool BlockPool::Grow(size_t* chunk) {
  size_t i = 0;
  while (i < chunks_.size() && chunks_[i].memory.size() > 0) ++i;
  const size_t blocks = std::min(blocks_per_chunk_, limit_ - used_);
  if (blocks == 0 || blocks > SIZE_MAX / block_bytes_) return false;
  auto memory = base::AlignedBuffer<uint8_t>::Unzeroed(blocks * block_bytes_);
  if (!memory.ok()) return false;
  if (i == chunks_.size()) chunks_.emplace_back();
  chunks_[i].memory = std::move(memory);
  chunks_[i].references.assign(blocks, 0);
  for (size_t b = blocks; b-- > 0;) chunks_[i].free.push_back(static_cast<uint32_t>(b));
  *chunk = i;
  return true;
}

std::optional<BlockId> BlockPool::Draw(bool zeroed) {
  if (used_ >= limit_) return std::nullopt;
  size_t c = 0;
  while (c < chunks_.size() && chunks_[c].free.empty()) ++c;
  if (c == chunks_.size() && !Grow(&c)) return std::nullopt;
  Chunk& chunk = chunks_[c];
  const uint32_t index = chunk.free.back();
  chunk.free.pop_back();
  chunk.references[index] = 1;
  ++used_;
  const BlockId id = static_cast<BlockId>(c * blocks_per_chunk_ + index);
  // Attention multiplies rows that a query may not see by zero, so what lies there must be finite.
  if (zeroed) std::memset(Data(id), 0, block_bytes_);
  return id;
}

uint8_t* BlockPool::Data(BlockId id) {
  return chunks_[id / blocks_per_chunk_].memory.data() + id % blocks_per_chunk_ * block_bytes_;
}

uint32_t BlockPool::References(BlockId id) const {
  return chunks_[id / blocks_per_chunk_].references[id % blocks_per_chunk_];
}

void BlockPool::Retain(BlockId id) { ++chunks_[id / blocks_per_chunk_].references[id % blocks_per_chunk_]; }

void BlockPool::Release(BlockId id) {
  Chunk& chunk = chunks_[id / blocks_per_chunk_];
  uint32_t& references = chunk.references[id % blocks_per_chunk_];
  assert(references > 0);
  if (--references > 0) return;
  --used_;
  chunk.free.push_back(static_cast<uint32_t>(id % blocks_per_chunk_));
  if (chunk.free.size() == chunk.references.size()) chunk = Chunk{};
}

}  // namespace zell::kv
