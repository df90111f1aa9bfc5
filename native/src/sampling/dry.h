// DRY ("don't repeat yourself", p-e-w 2024): the longer the text that a token would repeat, the less likely it becomes.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "sampling/candidates.h"
#include "sampling/params.h"

namespace zell::sampling::internal {

class Dry {
 public:
  explicit Dry(const DryParams& params);
  bool active() const { return active_; }
  void Accept(int32_t token);
  /// What comes off the logits of which tokens: multiplier · base^(repeated - allowed), where the last `repeated`
  /// tokens stand before an earlier occurrence of the token, too, with no sequence breaker within. Linear in the
  /// window.
  std::unordered_map<int32_t, float> Penalties() const;
  /// logits: Ordered before and after.
  void Apply(std::span<float> logits) const;
  void Apply(std::vector<Candidate>& candidates) const;

 private:
  /// Tokens after the last sequence breaker.
  size_t SinceBreaker() const;
  bool Breaks(int32_t token) const;

  DryParams params_;
  bool active_;
  std::deque<int32_t> window_;
};

}  // namespace zell::sampling::internal
