#include "runtime/adapters.h"

#include <algorithm>
#include <cmath>

namespace zell::runtime {
namespace {

base::Status Unknown(uint32_t id) {
  return {base::StatusCode::kNotFound, "adapter " + std::to_string(id) + " is not loaded"};
}

}  // namespace

std::vector<backend::AdapterUse> AdapterSet::Uses() const {
  std::vector<backend::AdapterUse> uses;
  for (const Entry& entry : entries) uses.push_back({&entry.adapter->backend(), entry.scale});
  return uses;
}

void AdapterTable::Add(std::shared_ptr<const lora::Adapter> adapter) {
  const uint32_t id = adapter->info().id;
  adapters_.emplace(id, std::move(adapter));
}

base::Status AdapterTable::Remove(uint32_t id) { return adapters_.erase(id) == 1 ? base::Status::Ok() : Unknown(id); }

std::vector<lora::AdapterInfo> AdapterTable::List() const {
  std::vector<lora::AdapterInfo> list;
  for (const auto& [id, adapter] : adapters_) list.push_back(adapter->info());
  return list;
}

base::Result<AdapterSet> AdapterTable::Resolve(std::span<const lora::AdapterUse> uses, const AdapterSet& held) const {
  AdapterSet set;
  for (const lora::AdapterUse& use : uses) {
    if (!std::isfinite(use.scale)) {
      return base::Status{base::StatusCode::kInvalidRequest, "an adapter's scale is not a number"};
    }
    std::shared_ptr<const lora::Adapter> found;
    if (const auto it = adapters_.find(use.id); it != adapters_.end()) found = it->second;
    for (const AdapterSet::Entry& entry : held.entries) {
      if (entry.adapter->info().id == use.id) found = entry.adapter;
    }
    if (found == nullptr) return Unknown(use.id);
    for (const AdapterSet::Entry& entry : set.entries) {
      if (entry.adapter == found) {
        return base::Status{base::StatusCode::kInvalidRequest,
                            "adapter " + std::to_string(use.id) + " is named twice in one item"};
      }
    }
    set.entries.push_back({std::move(found), use.scale});
  }
  std::erase_if(set.entries, [](const AdapterSet::Entry& entry) { return entry.scale == 0.0f; });
  std::sort(set.entries.begin(), set.entries.end(), [](const AdapterSet::Entry& a, const AdapterSet::Entry& b) {
    return a.adapter->info().id < b.adapter->info().id;
  });
  return set;
}

}  // namespace zell::runtime
