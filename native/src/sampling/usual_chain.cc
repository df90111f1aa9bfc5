#include "sampling/usual_chain.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sampling/exp.h"

namespace zell::sampling::internal {
namespace {

/// The shortest prefix of `sorted` with at least `top_p` of `total`; at least one. total: sum of e^(logit - best).
size_t NucleusSize(const std::vector<Candidate>& sorted, double top_p, double total) {
  const double best = sorted.front().logit;
  double mass = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    mass += ExpNonPositive(sorted[i].logit - best);
    if (mass >= top_p * total) return i + 1;
  }
  return sorted.size();
}

/// Whether min-p keeps a logit. Asked through the exponential, since a logarithm of the C library is not the same
/// everywhere.
bool PassesMinP(float logit, float best, float min_p) { return ExpNonPositive(double{logit} - best) >= min_p; }

/// At or below every logit that min-p keeps.
double MinPThreshold(float best, float min_p) {
  return min_p > 0 ? best + std::log(double{min_p}) - 1e-9 : -std::numeric_limits<double>::infinity();
}

/// Top-p and min-p over a whole row, which are both prefixes of the sorted row: the shorter one counts. Only as much is
/// sorted as top-p needs. max: MaxOf(logits), finite.
std::vector<Candidate> FilterAll(std::span<const float> logits, float max, const SamplerParams& params) {
  const double min_p_threshold = MinPThreshold(max, params.min_p);
  const auto fails_min_p = [&](const Candidate& c) { return !PassesMinP(c.logit, max, params.min_p); };
  if (params.top_p >= 1) {
    std::vector<Candidate> candidates = AtLeast(logits, min_p_threshold);
    std::erase_if(candidates, fails_min_p);
    return candidates;
  }
  const double total = SumExp(logits, max);
  // Wider and wider margins below the best until they hold the nucleus (or min-p ends it sooner).
  for (double margin = 6;; margin *= 2) {
    const bool last = max - margin <= min_p_threshold || margin > 1e3;
    const double threshold = last ? min_p_threshold : max - margin;
    std::vector<Candidate> candidates = AtLeast(logits, threshold);
    std::sort(candidates.begin(), candidates.end(), IsBetter);
    const size_t nucleus = NucleusSize(candidates, params.top_p, total);
    if (nucleus == candidates.size() && !last) continue;
    candidates.resize(nucleus);
    std::erase_if(candidates, fails_min_p);
    return candidates;
  }
}

/// Top-k, then top-p and min-p among those.
std::vector<Candidate> FilterBest(std::span<const float> logits, const SamplerParams& params) {
  std::vector<Candidate> candidates = BestOf(logits, static_cast<size_t>(params.top_k));
  const float best = candidates.front().logit;
  if (params.top_p < 1) {
    double total = 0;
    for (const Candidate& c : candidates) total += ExpNonPositive(double{c.logit} - best);
    candidates.resize(NucleusSize(candidates, params.top_p, total));
  }
  std::erase_if(candidates, [&](const Candidate& c) { return !PassesMinP(c.logit, best, params.min_p); });
  return candidates;
}

}  // namespace

std::vector<Candidate> FilterUsual(std::span<const float> logits, float max, const SamplerParams& params) {
  const bool limited = params.top_k > 0 && static_cast<size_t>(params.top_k) < logits.size();
  return limited ? FilterBest(logits, params) : FilterAll(logits, max, params);
}

bool AreUsual(std::span<const Step> steps, const SamplerParams& params) {
  constexpr Step kUsual[] = {Step::kTopK, Step::kTopP, Step::kMinP, Step::kTemperature};
  if (params.min_keep > 1 || params.dynamic_range > 0) return false;
  size_t next = 0;
  for (const Step step : steps) {
    while (next < std::size(kUsual) && kUsual[next] != step) ++next;
    if (next == std::size(kUsual)) return false;
    ++next;
  }
  return true;
}

}  // namespace zell::sampling::internal
