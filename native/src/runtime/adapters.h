// The adapters of a loaded model, and which of them a sequence's keys and values were computed with.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <vector>

#include "lora/adapter.h"

namespace zell::runtime {

/// Adapters with scales other than 0, in ascending order of ids. Keeps them alive.
struct AdapterSet {
  struct Entry {
    std::shared_ptr<const lora::Adapter> adapter;
    float scale = 1.0f;
    bool operator==(const Entry&) const = default;
  };
  std::vector<Entry> entries;

  bool operator==(const AdapterSet&) const = default;
  std::vector<backend::AdapterUse> Uses() const;
};

/// Not thread-safe.
class AdapterTable {
 public:
  /// Ids count from 0 and are never given twice.
  uint32_t NextId() { return next_++; }
  void Add(std::shared_ptr<const lora::Adapter> adapter);
  /// Those who hold it keep it. @errors kNotFound.
  base::Status Remove(uint32_t id);
  std::vector<lora::AdapterInfo> List() const;

  /// What an item asks for. One that is removed is still found in `held`, what the sequence ran with before.
  /// @errors kNotFound, kInvalidRequest: named twice, or a scale that is no number.
  base::Result<AdapterSet> Resolve(std::span<const lora::AdapterUse> uses, const AdapterSet& held) const;

 private:
  std::map<uint32_t, std::shared_ptr<const lora::Adapter>> adapters_;
  uint32_t next_ = 0;
};

}  // namespace zell::runtime
