// The general way through a chain: any steps in any order. Sampler takes a shorter one where the steps allow it.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "sampling/dry.h"
#include "sampling/history.h"
#include "sampling/params.h"
#include "sampling/pool.h"
#include "sampling/random.h"

namespace zell::sampling::internal {

/// The steps of `params` that do something, in their order: with Mirostat temperature alone.
std::vector<Step> ActiveSteps(const SamplerParams& params);

/// Whether a step changes logits one by one and takes nothing away.
bool ChangesLogits(Step step);
/// Whether the best candidate stays the best one.
bool KeepsBest(Step step);

/// Runs `steps` over `logits` (at least one of them finite).
Pool RunSteps(std::span<const Step> steps, const SamplerParams& params, std::span<const float> logits,
              const History& history, const Dry& dry, Random& random);

}  // namespace zell::sampling::internal
