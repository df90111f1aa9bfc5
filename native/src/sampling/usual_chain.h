// The quick way through the chain that almost every request has: top-k, top-p, min-p, temperature, in that order.
#pragma once

#include <span>
#include <vector>

#include "sampling/candidates.h"
#include "sampling/params.h"

namespace zell::sampling::internal {

/// What top-k, top-p and min-p leave of a row, in no particular order. A number that is neutral filters nothing.
/// max: MaxOf(logits), finite.
std::vector<Candidate> FilterUsual(std::span<const float> logits, float max, const SamplerParams& params);

/// Whether `steps` are no others than those, in that order, and so that FilterUsual may stand for them.
bool AreUsual(std::span<const Step> steps, const SamplerParams& params);

}  // namespace zell::sampling::internal
