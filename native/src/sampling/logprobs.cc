// Log-probabilities over a row of untouched logits.
#include <cmath>
#include <limits>

#include "sampling/candidates.h"
#include "sampling/sampler.h"

namespace zell::sampling {
namespace {

/// log of the sum of e^logit; the row ordered, with at least one finite logit.
double LogSumExp(std::span<const float> ordered, float max) {
  return double{max} + std::log(internal::SumExp(ordered, max));
}

std::vector<float> Ordered(std::span<const float> logits) {
  std::vector<float> ordered(logits.size());
  internal::CopyOrdered(logits, ordered);
  return ordered;
}

constexpr float kLowest = -std::numeric_limits<float>::infinity();

}  // namespace

std::vector<TokenProbability> TopLogprobs(std::span<const float> logits, size_t n) {
  const std::vector<float> ordered = Ordered(logits);
  const float max = internal::MaxOf(ordered);
  std::vector<TokenProbability> top;
  if (max == kLowest) return top;
  const double sum = LogSumExp(ordered, max);
  for (const internal::Candidate& c : internal::BestOf(ordered, n)) {
    if (c.logit == kLowest) break;
    top.push_back({c.token, static_cast<float>(double{c.logit} - sum)});
  }
  return top;
}

float LogprobOf(std::span<const float> logits, int32_t token) {
  if (token < 0 || static_cast<size_t>(token) >= logits.size()) return kLowest;
  const std::vector<float> ordered = Ordered(logits);
  const float max = internal::MaxOf(ordered);
  if (max == kLowest) return kLowest;
  return static_cast<float>(double{ordered[static_cast<size_t>(token)]} - LogSumExp(ordered, max));
}

}  // namespace zell::sampling
