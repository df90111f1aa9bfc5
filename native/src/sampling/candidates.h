// Picking tokens out of a row of logits: the best one, the best few, those near the best. No row may hold NaN or +inf.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace zell::sampling::internal {

struct Candidate {
  int32_t token;
  float logit;
};

/// Higher logits first, of equal ones the lower id.
inline bool IsBetter(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

/// A logit that compares with every other: NaN as -inf, +inf as the greatest finite number.
inline float Ordered(float logit) {
  constexpr float kGreatest = std::numeric_limits<float>::max();
  const float capped = logit > kGreatest ? kGreatest : logit;
  return capped >= -kGreatest ? capped : -std::numeric_limits<float>::infinity();  // false for NaN
}

/// Copies a row, each logit Ordered. out: [logits.size()].
void CopyOrdered(std::span<const float> logits, std::span<float> out);

/// Whether a mask of one bit a token has this one's.
inline bool Has(std::span<const uint64_t> mask, int32_t token) {
  const size_t index = static_cast<size_t>(token);
  return index / 64 < mask.size() && (mask[index / 64] >> (index % 64) & 1) != 0;
}

/// Makes the logits of all other tokens -inf.
void KeepOnly(std::span<const uint64_t> mask, std::span<float> logits);

/// The greatest logit; -inf for an empty row.
float MaxOf(std::span<const float> logits);

/// The lowest id whose logit is `value`; -1 when none is.
int32_t FirstEqual(std::span<const float> logits, float value);

/// The k best, best first; fewer when the row is shorter.
std::vector<Candidate> BestOf(std::span<const float> logits, size_t k);

/// All with a logit ≥ threshold and > -inf, in the order of their ids.
std::vector<Candidate> AtLeast(std::span<const float> logits, double threshold);

/// sum of e^(logit - max) in double, in an order that does not depend on the machine. max: finite, as MaxOf gives it.
double SumExp(std::span<const float> logits, float max);

}  // namespace zell::sampling::internal
