// What of a plan may stay on the disk.
#pragma once

#include <vector>

#include "backend/plan.h"
#include "gguf/file.h"
#include "runtime/memory_plan.h"
#include "stream/bank.h"
#include "stream/turns.h"

namespace zell::runtime {

struct Streamable {
  std::vector<stream::Bank> banks;  ///< of a mixture; empty: a dense model, or experts that cannot be streamed
  backend::Plan plan;               ///< of a dense model: with its logits in pieces, which `turns` counts in
  stream::Turns turns;
};

/// `plan`: fused. Its weights must point into `file`'s mapping.
Streamable FindStreamable(const backend::Plan& plan, const gguf::File& file);

}  // namespace zell::runtime
