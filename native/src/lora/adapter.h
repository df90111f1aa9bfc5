// LoRA adapters from GGUF files: checked against the model that they are for, in the form that a backend runs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backend/adapter.h"
#include "base/aligned_buffer.h"
#include "base/status.h"
#include "gguf/file.h"

namespace zell::lora {

/// Which adapters a step's item runs with.
struct AdapterUse {
  uint32_t id = 0;
  float scale = 1.0f;
};

/// What an adapter's file says about itself.
struct AdapterInfo {
  uint32_t id = 0;
  std::string path;
  std::string name;          ///< `general.name`, else the file's name without its ending
  std::string sha256;        ///< of the whole file, 64 hex digits: its identity
  std::string architecture;  ///< of the model that it is for
  std::string base_hash;     ///< `zell.base.model_hash`; empty when the file does not say
  float alpha = 0.0f;        ///< 0: the scale alone counts
  uint32_t rank = 0;         ///< the largest
  uint32_t matrices = 0;     ///< how many of the model's it changes
  uint64_t bytes = 0;        ///< of memory
  std::string task_name, prompt_prefix;
};

/// The largest rank that is read: far above any in use.
constexpr uint32_t kMaxRank = 4096;

/// Immutable; owns its numbers, so the file may go once it is loaded.
class Adapter {
 public:
  /// `base` is the model's file and `plan` the one it runs with. `id` is the caller's choice.
  /// As exact as the weights beside it: F32 (F16 when the file is) beside F32, F16 beside F16 and BF16, 8 bits beside
  /// quantised ones; all but F32 multiplied by a power of two so that small numbers keep their digits.
  /// @errors as gguf::File::Open; kBadModelFile: not a LoRA adapter, or one that does not fit this model (names the
  /// tensor); kUnsupported: activated LoRA, or a tensor of the model that adapters cannot change here (names it);
  /// kOutOfMemory.
  static base::Result<std::shared_ptr<const Adapter>> Load(const std::string& path, const gguf::File& base,
                                                           const backend::Plan& plan, uint32_t id);

  const AdapterInfo& info() const { return info_; }
  const backend::Adapter& backend() const { return backend_; }

 private:
  friend class AdapterReader;
  AdapterInfo info_;
  backend::Adapter backend_;
  base::AlignedBuffer<uint8_t> bytes_;
};

}  // namespace zell::lora
