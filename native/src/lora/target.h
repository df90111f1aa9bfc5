// Which of a plan's weights a tensor of the model's file has become. Private to the room.
#pragma once

#include <vector>

#include "backend/plan.h"
#include "base/status.h"
#include "gguf/file.h"

namespace zell::lora {

/// A weight that holds rows of the tensor from first_row on: a matrix for Q, K and V may have become three.
struct Target {
  backend::WeightId weight = -1;
  uint64_t first_row = 0;
  bool embedding = false;  ///< tokens pick its rows; else matmuls multiply with it
};

/// At least one, all of one kind. An embedding that serves as the output matrix too counts as an embedding: that is
/// what an adapter of this name was trained for.
/// @errors kUnsupported: the plan uses the tensor in a way that adapters cannot change.
base::Result<std::vector<Target>> FindTargets(const backend::Plan& plan, const gguf::TensorInfo& tensor);

}  // namespace zell::lora
