// One sampler chain per sequence: logits to a token id, seeded and reproducible.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace zell::sampling {

/// As SamplingParams of protocol/src/engine.ts; values outside their range are refused before they get here.
struct SamplerParams {
  float temperature = 0.8f;
  int32_t top_k = 40;
  float top_p = 0.95f;
  float min_p = 0.05f;
  float repeat_penalty = 1.0f;
  int32_t repeat_last_n = 64;
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  uint32_t seed = 0;
  /// Added to a token's logit; -INFINITY forbids it. Ids are inside the vocabulary.
  std::vector<std::pair<int32_t, float>> logit_bias;
};

struct TokenProbability {
  int32_t token;
  float logprob;  ///< natural log of the softmax over the untouched logits
};

/// Not thread-safe. Owns its history and random state, so the same params and logits give the same tokens.
class Sampler {
 public:
  explicit Sampler(SamplerParams params);
  /// Tells the penalties about a token of the prompt or one that was chosen.
  void Accept(int32_t token);
  /// Chooses a token; does not Accept it. logits: [vocabulary], left as they are. A row of NaN or only -inf gives token
  /// 0's nearest finite neighbour (the lowest finite id, else 0); equal logits: the lowest id wins.
  int32_t Sample(std::span<const float> logits);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

/// The `n` most likely tokens, best first, ties by id.
std::vector<TokenProbability> TopLogprobs(std::span<const float> logits, size_t n);
/// log softmax of one token.
float LogprobOf(std::span<const float> logits, int32_t token);

}  // namespace zell::sampling
