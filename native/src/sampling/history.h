// The recent tokens, and what repeating them costs.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <unordered_map>
#include <vector>

#include "sampling/candidates.h"
#include "sampling/params.h"

namespace zell::sampling::internal {

class History {
 public:
  explicit History(const SamplerParams& params);
  void Accept(int32_t token);
  /// Lowers the logits of tokens in the window, once per token: divided by repeat_penalty (multiplied when negative),
  /// then minus frequency_penalty for each occurrence and presence_penalty once. logits: [vocabulary], Ordered before
  /// and after.
  void Apply(std::span<float> logits) const;
  /// The same for some tokens. logits: Ordered before and after.
  void Apply(std::vector<Candidate>& candidates) const;
  bool active() const { return active_; }

 private:
  float Penalised(float logit, int32_t count) const;

  float repeat_, frequency_, presence_;
  int32_t last_n_;  ///< -1: everything
  bool active_;
  std::deque<int32_t> window_;
  std::unordered_map<int32_t, int32_t> counts_;
};

}  // namespace zell::sampling::internal
