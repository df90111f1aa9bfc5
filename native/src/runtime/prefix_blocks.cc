// Blocks of sequences to and from files, beside running steps.
#include "kv/block_file.h"
#include "runtime/engine_impl.h"

namespace zell::runtime {
namespace {

base::Status Invalid(const std::string& message) { return {base::StatusCode::kInvalidRequest, message}; }

kv::GroupBlocks BlocksOf(kv::Cache& cache, const kv::Sequence& sequence, size_t first) {
  kv::GroupBlocks groups;
  const std::vector<std::vector<uint8_t*>> addresses = sequence.Addresses();
  for (size_t g = 0; g < addresses.size(); ++g) {
    const auto begin = addresses[g].begin() + static_cast<std::ptrdiff_t>(std::min(first, addresses[g].size()));
    groups.push_back({cache.pool(g).block_bytes(), {begin, addresses[g].end()}});
  }
  return groups;
}

}  // namespace

base::Status Engine::SaveBlocks(uint32_t sequence, uint32_t first, const std::string& path,
                                std::span<const uint8_t> header, std::span<const uint64_t> seeds) {
  kv::GroupBlocks groups;
  uint32_t snapshot = 0;
  {
    const std::lock_guard lock(impl_->mutex);
    base::Result<SequenceState*> state = impl_->FindIdle(sequence);
    if (!state.ok()) return state.status();
    const uint64_t end = (uint64_t{first} + seeds.size()) * kv::kBlockTokens;
    if (seeds.empty() || end > (*state)->kv.length()) return Invalid("the sequence does not hold these blocks");
    // Shared blocks are never written, so nobody has to wait for the disk.
    snapshot = impl_->next_sequence++;
    auto fork = std::make_unique<SequenceState>((*state)->kv.Fork(static_cast<uint32_t>(end)));
    groups = BlocksOf(*impl_->cache, fork->kv, first);
    impl_->sequences.emplace(snapshot, std::move(fork));
  }
  base::Status status = kv::WriteBlocks(path, header, seeds, groups);
  const std::lock_guard lock(impl_->mutex);
  impl_->sequences.erase(snapshot);
  return status;
}

base::Result<uint32_t> Engine::BeginRestore(uint32_t blocks, std::span<const lora::AdapterUse> adapters) {
  const std::lock_guard lock(impl_->mutex);
  auto state = std::make_unique<SequenceState>(kv::Sequence(*impl_->cache));
  base::Result<AdapterSet> set = impl_->adapters.Resolve(adapters, {});
  if (!set.ok()) return set.status();
  state->adapters = std::move(*set);
  const uint64_t tokens = uint64_t{blocks} * kv::kBlockTokens;
  if (tokens > impl_->summary.context_length) return Invalid("the context is shorter than these blocks");
  ZELL_RETURN_IF_ERROR(state->kv.Prepare(static_cast<size_t>(tokens), false));
  state->loading = true;
  const uint32_t id = impl_->next_sequence++;
  impl_->sequences.emplace(id, std::move(state));
  return id;
}

uint32_t Engine::FinishRestore(uint32_t sequence, std::span<const kv::BlockRange> ranges,
                               std::span<const uint64_t> seeds) {
  kv::GroupBlocks groups;
  {
    const std::lock_guard lock(impl_->mutex);
    groups = BlocksOf(*impl_->cache, impl_->sequences.at(sequence)->kv, 0);
  }
  uint32_t whole = 0;
  for (const kv::BlockRange& range : ranges) {
    const size_t room = groups.empty() ? 0 : groups[0].blocks.size();
    if (range.count > room - whole || range.count > seeds.size() - whole) break;
    const uint32_t read = kv::ReadBlocks(range, seeds.subspan(whole, range.count), groups, whole, threads());
    whole += read;
    if (read < range.count) break;
  }
  const std::lock_guard lock(impl_->mutex);
  const auto it = impl_->sequences.find(sequence);
  it->second->loading = false;
  it->second->kv.Commit(size_t{whole} * kv::kBlockTokens);
  it->second->kv.DropPrepared();
  if (it->second->doomed) impl_->sequences.erase(it);
  return whole * static_cast<uint32_t>(kv::kBlockTokens);
}

}  // namespace zell::runtime
