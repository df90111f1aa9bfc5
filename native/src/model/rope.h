// Rotation of positions as a file's metadata asks for it: linear scaling, yarn, longrope, factors per pair.
#pragma once

#include "backend/plan.h"
#include "base/status.h"
#include "gguf/file.h"
#include "model/metadata.h"

namespace zell::model {

struct RopeRequest {
  uint32_t dims = 0;  ///< numbers of a head that turn; even
  double base = 10000.0;
  bool split_halves = false;
  bool scaled = true;    ///< false: neither scaling nor magnitude; some layers with a window want that
  bool factors = true;   ///< false: those tensors are for other layers
  uint32_t context = 0;  ///< in force: decides between longrope's two sets of factors
};

/// Reads `rope.scaling.*` and the tensors rope_freqs, rope_factors_long, rope_factors_short.
/// @errors kBadModelFile (a number out of range, a tensor of another shape), kUnsupportedModel (an unknown scaling).
base::Result<backend::RopeSpec> ReadRope(const gguf::File& file, const Metadata& metadata, const RopeRequest& request);

}  // namespace zell::model
