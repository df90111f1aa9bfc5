// The chain: penalties, bias, top-k, top-p, min-p, temperature, then one draw.
#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "sampling/candidates.h"
#include "sampling/exp.h"
#include "sampling/history.h"
#include "sampling/random.h"

namespace zell::sampling {
namespace {

using internal::Candidate;

/// The shortest prefix of `sorted` with at least `top_p` of `total`; at least one. total: sum of e^(logit - best).
size_t NucleusSize(const std::vector<Candidate>& sorted, double top_p, double total) {
  const double best = sorted.front().logit;
  double mass = 0;
  for (size_t i = 0; i < sorted.size(); ++i) {
    mass += internal::ExpNonPositive(sorted[i].logit - best);
    if (mass >= top_p * total) return i + 1;
  }
  return sorted.size();
}

/// Whether min-p keeps a logit. Asked through the exponential, since a logarithm of the C library is not the same
/// everywhere.
bool PassesMinP(float logit, float best, float min_p) {
  return internal::ExpNonPositive(double{logit} - best) >= min_p;
}

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
    std::vector<Candidate> candidates = internal::AtLeast(logits, min_p_threshold);
    std::erase_if(candidates, fails_min_p);
    return candidates;
  }
  const double total = internal::SumExp(logits, max);
  // Wider and wider margins below the best until they hold the nucleus (or min-p ends it sooner).
  for (double margin = 6;; margin *= 2) {
    const bool last = max - margin <= min_p_threshold || margin > 1e3;
    const double threshold = last ? min_p_threshold : max - margin;
    std::vector<Candidate> candidates = internal::AtLeast(logits, threshold);
    std::sort(candidates.begin(), candidates.end(), internal::IsBetter);
    const size_t nucleus = NucleusSize(candidates, params.top_p, total);
    if (nucleus == candidates.size() && !last) continue;
    candidates.resize(nucleus);
    std::erase_if(candidates, fails_min_p);
    return candidates;
  }
}

/// Top-k, then top-p and min-p among those.
std::vector<Candidate> FilterBest(std::span<const float> logits, const SamplerParams& params) {
  std::vector<Candidate> candidates = internal::BestOf(logits, static_cast<size_t>(params.top_k));
  const float best = candidates.front().logit;
  if (params.top_p < 1) {
    double total = 0;
    for (const Candidate& c : candidates) total += internal::ExpNonPositive(double{c.logit} - best);
    candidates.resize(NucleusSize(candidates, params.top_p, total));
  }
  std::erase_if(candidates, [&](const Candidate& c) { return !PassesMinP(c.logit, best, params.min_p); });
  return candidates;
}

}  // namespace

struct Sampler::Impl {
  explicit Impl(SamplerParams p) : params(std::move(p)), history(params), random(params.seed) {}

  SamplerParams params;
  internal::History history;
  internal::Random random;
  std::vector<float> logits;
  std::vector<double> weights;

  void AddBias() {
    for (const auto& [token, bias] : params.logit_bias) {
      if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
      float& logit = logits[static_cast<size_t>(token)];
      logit = internal::Ordered(logit + bias);
    }
  }

  /// When no logit is finite there is nothing to choose by.
  int32_t LowestAllowed() const {
    const auto forbidden = [&](int32_t token) {
      return std::any_of(params.logit_bias.begin(), params.logit_bias.end(), [&](const auto& b) {
        return b.first == token && b.second < -std::numeric_limits<float>::max();
      });
    };
    for (int32_t token = 0; static_cast<size_t>(token) < logits.size(); ++token) {
      if (!forbidden(token)) return token;
    }
    return 0;
  }

  int32_t Draw(const std::vector<Candidate>& candidates, float max) {
    weights.resize(candidates.size());
    double total = 0;
    for (size_t i = 0; i < candidates.size(); ++i) {
      weights[i] = internal::ExpNonPositive((double{candidates[i].logit} - max) / params.temperature);
      total += weights[i];
    }
    double left = random.NextUnit() * total;
    int32_t token = candidates.front().token;
    for (size_t i = 0; i < candidates.size(); ++i) {
      if (weights[i] <= 0) continue;
      token = candidates[i].token;  // rounding may leave a rest at the end: the last possible one takes it
      left -= weights[i];
      if (left < 0) break;
    }
    return token;
  }

  int32_t Sample(std::span<const float> row) {
    if (row.empty()) return 0;
    logits.resize(row.size());
    internal::CopyOrdered(row, logits);
    history.Apply(logits);
    AddBias();
    const float max = internal::MaxOf(logits);
    if (!(max > -std::numeric_limits<float>::infinity())) return LowestAllowed();
    if (params.temperature <= 0) return internal::FirstEqual(logits, max);
    const bool limited = params.top_k > 0 && static_cast<size_t>(params.top_k) < logits.size();
    const auto candidates = limited ? FilterBest(logits, params) : FilterAll(logits, max, params);
    return Draw(candidates, max);
  }
};

Sampler::Sampler(SamplerParams params) : impl_(std::make_shared<Impl>(std::move(params))) {}
void Sampler::Accept(int32_t token) { impl_->history.Accept(token); }
int32_t Sampler::Sample(std::span<const float> logits) { return impl_->Sample(logits); }

}  // namespace zell::sampling
