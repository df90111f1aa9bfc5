// One sampler chain per sequence: logits to a token id, seeded and reproducible.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "sampling/params.h"
#include "sampling/token_filter.h"

namespace zell::sampling {

struct TokenProbability {
  int32_t token;
  float logprob;  ///< natural log of its probability, over the untouched logits unless said otherwise
};

/// Not thread-safe. Owns its history, random and feedback state, so the same params and logits give the same tokens.
class Sampler {
 public:
  /// filter: forbids tokens, after bias and penalties and before everything else; nullptr: none.
  explicit Sampler(SamplerParams params, std::unique_ptr<TokenFilter> filter = nullptr);
  /// Tells the penalties about a token of the prompt.
  void Remember(int32_t token);
  /// Tells penalties and filter about a token that was chosen.
  void Accept(int32_t token);
  /// Chooses a token, which is to be accepted next. logits: [vocabulary], left as they are. A row of NaN or only -inf
  /// gives token 0's nearest finite neighbour (the lowest finite id, else 0); equal logits: the lowest id wins.
  /// @returns -1 when filter and bias leave no token; then `status` says why
  int32_t Sample(std::span<const float> logits);
  const base::Status& status() const;
  /// What the last Sample chose from: the `n` most likely tokens that its chain left, best first, ties by id.
  std::vector<TokenProbability> TopKept(size_t n) const;
  /// Of the token that the last Sample chose, among those.
  float ChosenLogprob() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// The `n` most likely tokens, best first, ties by id.
std::vector<TokenProbability> TopLogprobs(std::span<const float> logits, size_t n);
/// log softmax of one token.
float LogprobOf(std::span<const float> logits, int32_t token);

}  // namespace zell::sampling
