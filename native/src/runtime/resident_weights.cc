// Moves a model's matrices from the mapped file to memory in large pages, beside running steps.
#include <algorithm>
#include <string>
#include <vector>

#include "base/memory_info.h"
#include "base/thread_pool.h"
#include "runtime/engine_impl.h"
#include "runtime/token_work.h"

namespace zell::runtime {

base::Status Engine::MoveWeightsToMemory(uint64_t spare_bytes, const std::atomic<bool>& stop) {
  if (impl_->summary.memory.streams()) {
    return {base::StatusCode::kUnsupported, "Weights of this model come from the disk while it runs."};
  }
  base::LowerThreadPriority();
  const gguf::File& file = *impl_->summary.file;
  std::vector<const gguf::TensorInfo*> matrices;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (IsMatrix(file, tensor)) matrices.push_back(&tensor);
  }
  bool enough = true;
  const auto may_go_on = [&] {
    if (stop.load(std::memory_order_relaxed)) return false;
    enough = base::GetMemoryInfo().available_bytes >= spare_bytes;
    const std::lock_guard lock(impl_->mutex);
    return enough && !impl_->closing;
  };
  ZELL_RETURN_IF_ERROR(file.MoveToMemory(matrices, may_go_on));
  if (enough) return base::Status::Ok();
  return {base::StatusCode::kOutOfMemory, "less than " + std::to_string(spare_bytes >> 20) +
                                              " MiB of memory are available; the other weights stay mapped"};
}

uint64_t Engine::ResidentWeights() const {
  if (!impl_->summary.memory.streams()) return impl_->summary.file->resident_bytes();
  return impl_->trunk.size() + (impl_->matrices == nullptr ? 0 : impl_->matrices->kept_bytes());
}

std::optional<stream::MatrixStats> Engine::LayerStats() const {
  if (impl_->matrices == nullptr) return std::nullopt;
  return impl_->matrices->stats();
}

std::vector<stream::BankUse> Engine::ExpertUses() const {
  return impl_->experts == nullptr ? std::vector<stream::BankUse>() : impl_->experts->uses();
}

std::optional<Engine::CacheNow> Engine::KeptLayersNow() const {
  if (impl_->matrices == nullptr) return std::nullopt;
  return CacheNow{impl_->matrices->size(), impl_->keeper->reason()};
}

void Engine::LimitLayers(uint64_t matrices) {
  if (impl_->matrices != nullptr) impl_->matrices->LimitKept(matrices);
}

std::optional<Engine::CacheNow> Engine::ExpertCacheNow() const {
  if (impl_->experts == nullptr) return std::nullopt;
  return CacheNow{impl_->experts->size(), impl_->keeper->reason()};
}

void Engine::LimitExperts(uint64_t slots) {
  if (impl_->experts != nullptr) impl_->experts->LimitSlots(slots);
}

std::optional<stream::StoreStats> Engine::ExpertStats() const {
  if (impl_->experts == nullptr) return std::nullopt;
  return impl_->experts->stats();
}

}  // namespace zell::runtime
