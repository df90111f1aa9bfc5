#include "sampling/chain.h"

#include <algorithm>
#include <limits>

#include "sampling/infill.h"

namespace zell::sampling::internal {
namespace {

bool Active(Step step, const SamplerParams& p) {
  switch (step) {
    case Step::kPenalties:
      return History(p).active();
    case Step::kDry:
      return Dry(p.dry).active();
    case Step::kTopNSigma:
      return p.top_n_sigma > 0;
    case Step::kTopK:
      return p.top_k > 0;
    case Step::kTypical:
      return p.typical_p < 1;
    case Step::kTopP:
      return p.top_p < 1;
    case Step::kMinP:
      return p.min_p > 0;
    case Step::kXtc:
      return p.xtc_probability > 0 && p.xtc_threshold <= 0.5f;
    case Step::kTemperature:
      return p.temperature != 1 || p.dynamic_range > 0;
    case Step::kInfill:
      return p.texts != nullptr;
    case Step::kAdaptive:
      return false;  // how the token is chosen, wherever it stands
  }
  return false;
}

/// Logits that count as they are, so that something can be taken off them.
void Settle(Pool& pool) {
  if (pool.temperature != 1) {
    for (Candidate& c : pool.kept) c.logit = Ordered(static_cast<float>(c.logit / pool.temperature));
  }
  pool.temperature = 1;
  pool.sorted = false;
}

/// Penalties may have pushed a logit below everything.
void DropInfinite(Pool& pool) {
  const Candidate first = pool.kept.front();
  std::erase_if(pool.kept, [](const Candidate& c) { return c.logit < -std::numeric_limits<float>::max(); });
  if (pool.kept.empty()) pool.kept.push_back({first.token, 0});
}

void Run(Step step, const SamplerParams& p, Pool& pool, const History& history, const Dry& dry, Random& random) {
  const size_t least = std::max(p.min_keep, 1u);
  switch (step) {
    case Step::kPenalties:
      Settle(pool);
      history.Apply(pool.kept);
      return DropInfinite(pool);
    case Step::kDry:
      Settle(pool);
      dry.Apply(pool.kept);
      return DropInfinite(pool);
    case Step::kTopNSigma:
      return KeepTopNSigma(pool, p.top_n_sigma);
    case Step::kTopK:
      return KeepTopK(pool, static_cast<size_t>(p.top_k));
    case Step::kTypical:
      return KeepTypical(pool, p.typical_p, least);
    case Step::kTopP:
      return KeepTopP(pool, p.top_p, least);
    case Step::kMinP:
      return KeepMinP(pool, p.min_p, least);
    case Step::kXtc:
      if (pool.kept.size() >= 2 && random.NextUnit() < p.xtc_probability) DropTop(pool, p.xtc_threshold, p.min_keep);
      return;
    case Step::kTemperature:
      return SetTemperature(pool, p.temperature, p.dynamic_range, p.dynamic_exponent);
    case Step::kInfill:
      return KeepSure(pool, *p.texts);
    case Step::kAdaptive:
      return;
  }
}

}  // namespace

std::vector<Step> ActiveSteps(const SamplerParams& params) {
  if (params.mirostat.version != 0) {
    return Active(Step::kTemperature, params) ? std::vector{Step::kTemperature} : std::vector<Step>{};
  }
  std::vector<Step> active;
  for (const Step step : params.order) {
    if (Active(step, params)) active.push_back(step);
  }
  return active;
}

bool ChangesLogits(Step step) { return step == Step::kPenalties || step == Step::kDry; }

bool KeepsBest(Step step) {
  return step == Step::kTopNSigma || step == Step::kTopK || step == Step::kTopP || step == Step::kMinP;
}

Pool RunSteps(std::span<const Step> steps, const SamplerParams& params, std::span<const float> logits,
              const History& history, const Dry& dry, Random& random) {
  Pool pool;
  if (!steps.empty() && steps.front() == Step::kTopK) {
    pool.kept = BestOf(logits, static_cast<size_t>(params.top_k));
    std::erase_if(pool.kept, [](const Candidate& c) { return c.logit < -std::numeric_limits<float>::max(); });
    pool.sorted = true;
    steps = steps.subspan(1);
  } else {
    pool.kept = AtLeast(logits, -std::numeric_limits<double>::infinity());
  }
  for (const Step step : steps) Run(step, params, pool, history, dry, random);
  return pool;
}

}  // namespace zell::sampling::internal
