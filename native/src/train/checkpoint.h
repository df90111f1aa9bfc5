// A training in the middle, as a file (docs/formats/train-checkpoint.md).
#pragma once

#include <cstdint>
#include <string>

#include "base/sha256.h"
#include "base/status.h"
#include "train/low_rank.h"

namespace zell::train {

/// What a checkpoint belongs to, and where in it.
struct CheckpointState {
  base::Sha256::Digest identity{};  ///< of model, recipe, matrices and items
  uint64_t step = 0;
  uint64_t total_tokens = 0;
};

/// The file appears when it is whole. @errors kIo, kNotFound (no such folder).
base::Status WriteCheckpoint(const std::string& path, const CheckpointState& state, LowRankSet& learned);

/// Fills `state` and the set's values and moments, or changes nothing.
/// @errors kNotFound, kIo; kInvalidRequest: of another training; kBadModelFile: no checkpoint, damaged, another
/// version.
base::Status ReadCheckpoint(const std::string& path, CheckpointState& state, LowRankSet& learned);

}  // namespace zell::train
