// Where the experts of each layer lie in the model's files, and how they are laid out in the slots of a cache.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/expert_source.h"
#include "backend/plan.h"
#include "base/status.h"
#include "gguf/file.h"
#include "stream/range.h"

namespace zell::stream {

/// What one op needs of one expert. Matrices that touch each other in the file are one range.
struct ExpertPart {
  std::vector<Range> ranges;
  std::array<uint64_t, backend::kExpertParts> matrices = {};  ///< where in a slot each begins
  uint64_t bytes = 0;                                         ///< of the matrices themselves
};

/// The experts that one routing chooses from.
struct Bank {
  uint32_t used = 0;                           ///< experts for each token
  std::vector<std::vector<ExpertPart>> parts;  ///< [expert][stage]

  uint32_t experts() const { return static_cast<uint32_t>(parts.size()); }
  uint32_t stages() const { return parts.empty() ? 0 : static_cast<uint32_t>(parts[0].size()); }
};

/// The banks of a plan's body in the order of its routings. The plan's stacks must point into `file`'s mapping.
/// @errors kUnsupportedModel: an expert op of a form that cannot be streamed.
base::Result<std::vector<Bank>> FindBanks(const backend::Plan& plan, const gguf::File& file);

/// Bytes of all experts.
uint64_t ExpertBytes(const std::vector<Bank>& banks);
/// Bytes of a slot that has room for any expert of the banks.
uint64_t SlotBytes(const std::vector<Bank>& banks);
/// Slots that one token's experts of a layer need at least.
uint64_t LeastSlots(const std::vector<Bank>& banks);
/// Experts of all banks together.
uint64_t CountExperts(const std::vector<Bank>& banks);

}  // namespace zell::stream
