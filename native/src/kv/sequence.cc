#include "kv/sequence.h"

#include <cassert>
#include <cstring>
#include <string>
#include <utility>

namespace zell::kv {
namespace {

base::Status NoBlocks(const Cache& cache) {
  if (cache.used() < cache.limit()) return {base::StatusCode::kOutOfMemory, "no memory for more of the KV cache"};
  return {base::StatusCode::kOutOfMemory, "the KV cache is full: " + std::to_string(cache.used()) + " of " +
                                              std::to_string(cache.limit()) + " blocks are in use"};
}

}  // namespace

Sequence::Sequence(Sequence&& other) noexcept
    : cache_(other.cache_), blocks_(std::move(other.blocks_)), length_(std::exchange(other.length_, 0)) {
  other.blocks_.assign(blocks_.size(), {});
}

size_t Sequence::BlocksMissing(size_t tokens) const {
  size_t most = 0;
  for (size_t g = 0; g < blocks_.size(); ++g) {
    const size_t wanted = BlocksFor(length_ + tokens);
    size_t missing = wanted > blocks_[g].size() ? wanted - blocks_[g].size() : 0;
    const bool open_tail = length_ % kBlockTokens != 0 && tokens > 0;
    if (open_tail && cache_->pool(g).References(blocks_[g][length_ / kBlockTokens]) > 1) ++missing;
    most = missing > most ? missing : most;
  }
  return most;
}

base::Status Sequence::Prepare(size_t tokens, bool zeroed) {
  if (tokens == 0) return base::Status::Ok();
  base::Status status = OwnTail();
  const size_t wanted = BlocksFor(length_ + tokens);
  for (size_t g = 0; status.ok() && g < blocks_.size(); ++g) {
    while (blocks_[g].size() < wanted) {
      const std::optional<BlockId> id = cache_->pool(g).Draw(zeroed);
      if (!id) {
        status = NoBlocks(*cache_);
        break;
      }
      blocks_[g].push_back(*id);
    }
  }
  if (!status.ok()) DropPrepared();
  return status;
}

// The block that the next token goes to may be shared: copy it. Blocks behind it are never shared.
base::Status Sequence::OwnTail() {
  if (length_ % kBlockTokens == 0) return base::Status::Ok();
  const size_t tail = length_ / kBlockTokens;
  for (size_t g = 0; g < blocks_.size(); ++g) {
    BlockPool& pool = cache_->pool(g);
    BlockId& block = blocks_[g][tail];
    if (pool.References(block) == 1) continue;
    const std::optional<BlockId> copy = pool.Draw(false);
    if (!copy) return NoBlocks(*cache_);
    std::memcpy(pool.Data(*copy), pool.Data(block), pool.block_bytes());
    pool.Release(block);
    block = *copy;
  }
  return base::Status::Ok();
}

void Sequence::Commit(size_t tokens) {
  length_ += static_cast<uint32_t>(tokens);
  assert(blocks_.empty() || BlocksFor(length_) <= blocks_[0].size());
}

void Sequence::Keep(size_t n_blocks) {
  for (size_t g = 0; g < blocks_.size(); ++g) {
    while (blocks_[g].size() > n_blocks) {
      cache_->pool(g).Release(blocks_[g].back());
      blocks_[g].pop_back();
    }
  }
}

void Sequence::DropPrepared() { Keep(BlocksFor(length_)); }

void Sequence::Truncate(uint32_t length) {
  assert(length <= length_);
  length_ = length;
  DropPrepared();
}

Sequence Sequence::Fork(uint32_t length) const {
  assert(length <= length_);
  Sequence fork(*cache_);
  fork.length_ = length;
  for (size_t g = 0; g < blocks_.size(); ++g) {
    fork.blocks_[g].assign(blocks_[g].begin(), blocks_[g].begin() + static_cast<std::ptrdiff_t>(BlocksFor(length)));
    for (const BlockId id : fork.blocks_[g]) cache_->pool(g).Retain(id);
  }
  return fork;
}

void Sequence::Adopt(const Sequence& other, uint32_t length) {
  Sequence fork = other.Fork(length);
  Clear();
  blocks_.swap(fork.blocks_);
  length_ = std::exchange(fork.length_, 0);
}

std::vector<std::vector<uint8_t*>> Sequence::Addresses() const {
  std::vector<std::vector<uint8_t*>> addresses(blocks_.size());
  for (size_t g = 0; g < blocks_.size(); ++g) {
    addresses[g].reserve(blocks_[g].size());
    for (const BlockId id : blocks_[g]) addresses[g].push_back(cache_->pool(g).Data(id));
  }
  return addresses;
}

}  // namespace zell::kv
