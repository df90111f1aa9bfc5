#include "kv/block_file.h"

#include <algorithm>
#include <atomic>

#include "base/atomic_file.h"
#include "base/checked.h"
#include "base/read_file.h"
#include "base/thread_pool.h"
#include "base/xxh64.h"

namespace zell::kv {
namespace {

// Blocks begin at a page, so that they can be read without the system's cache.
constexpr uint64_t kPageBytes = 4096;

// More threads than these bring nothing: memory is the limit. Fewer bytes are not worth a thread's start.
constexpr uint64_t kMostThreads = 4;
constexpr uint64_t kLeastBytesOfThread = 2 * 1024 * 1024;

// Headers hold tokens and hashes: more is no header.
constexpr uint64_t kMostHeaderBytes = 64 * 1024 * 1024;

uint64_t Checksum(const GroupBlocks& groups, size_t block, uint64_t seed) {
  for (const BlockBytesOf& group : groups) seed = base::Xxh64({group.blocks[block], group.block_bytes}, seed);
  return seed;
}

uint64_t DataOffset(uint64_t header_bytes, uint64_t blocks) {
  return (header_bytes + blocks * sizeof(uint64_t) + kPageBytes - 1) / kPageBytes * kPageBytes;
}

uint64_t Stride(const GroupBlocks& groups) {
  uint64_t bytes = 0;
  for (const BlockBytesOf& group : groups) bytes += group.block_bytes;
  return bytes;
}

void AppendLittle(std::vector<uint8_t>& bytes, uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<uint8_t>(number >> shift));
}

uint64_t ReadLittle(const uint8_t* bytes) {
  uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | bytes[i];
  return number;
}

// A group that gave blocks back (a sliding window's) cannot be written or read: the blocks' numbers would not be
// places.
bool EachHolds(const GroupBlocks& groups, uint64_t blocks) {
  return std::all_of(groups.begin(), groups.end(), [&](const auto& group) { return group.blocks.size() >= blocks; });
}

}  // namespace

base::Status WriteBlocks(const std::string& path, std::span<const uint8_t> header, std::span<const uint64_t> seeds,
                         const GroupBlocks& groups) {
  if (!EachHolds(groups, seeds.size())) {
    return {base::StatusCode::kInvalidRequest, "a group of the KV cache does not hold all of these blocks"};
  }
  base::Result<base::AtomicFile> file = base::AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  std::vector<uint8_t> front(header.begin(), header.end());
  for (size_t b = 0; b < seeds.size(); ++b) AppendLittle(front, Checksum(groups, b, seeds[b]));
  front.resize(DataOffset(header.size(), seeds.size()));
  ZELL_RETURN_IF_ERROR(file->Write(front));
  for (size_t b = 0; b < seeds.size(); ++b) {
    for (const BlockBytesOf& group : groups) ZELL_RETURN_IF_ERROR(file->Write({group.blocks[b], group.block_bytes}));
  }
  return file->Commit();
}

uint32_t ReadBlocks(const BlockRange& range, std::span<const uint64_t> seeds, const GroupBlocks& groups, uint32_t to,
                    int threads) {
  if (range.header_bytes > kMostHeaderBytes || seeds.size() != range.count) return 0;
  if (!base::FitsWithin(range.first, range.count, range.blocks_in_file)) return 0;
  if (!EachHolds(groups, uint64_t{to} + range.count)) return 0;
  const base::Result<base::ReadFile> file = base::ReadFile::Open(range.path);
  if (!file.ok()) return 0;
  std::vector<uint8_t> checksums(range.count * sizeof(uint64_t));
  if (!file->ReadAt(range.header_bytes + range.first * sizeof(uint64_t), checksums).ok()) return 0;
  const uint64_t stride = Stride(groups);
  const uint64_t data = DataOffset(range.header_bytes, range.blocks_in_file) + range.first * stride;
  const auto read = [&](uint32_t b) {
    uint64_t offset = data + b * stride;
    for (const BlockBytesOf& group : groups) {
      if (!file->ReadAt(offset, {group.blocks[to + b], group.block_bytes}).ok()) return false;
      offset += group.block_bytes;
    }
    return Checksum(groups, to + b, seeds[b]) == ReadLittle(&checksums[b * sizeof(uint64_t)]);
  };
  std::atomic<uint32_t> next{0}, whole{range.count};
  // Nearly in the order of the file; what lies behind a damaged block is of no use.
  const auto work = [&](int) {
    for (uint32_t b = next++; b < whole; b = next++) {
      if (read(b)) continue;
      uint32_t before = whole;
      while (b < before && !whole.compare_exchange_weak(before, b)) continue;
    }
  };
  const auto useful = static_cast<int>(std::min<uint64_t>(range.count * stride / kLeastBytesOfThread, kMostThreads));
  if (std::min(threads, useful) > 1) {
    base::ThreadPool(std::min(threads, useful)).Run(work);
  } else {
    work(0);
  }
  return whole;
}

}  // namespace zell::kv
