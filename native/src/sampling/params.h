// What a sampler chain is made of: its steps, their order and their numbers.
#pragma once

#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace zell::sampling {

/// One step of a chain, as llama.cpp names them.
enum class Step : uint8_t {
  kPenalties,
  kDry,
  kTopNSigma,
  kTopK,
  kTypical,
  kTopP,
  kMinP,
  kXtc,
  kTemperature,
  kInfill,
  kAdaptive,
};

/// llama.cpp's; kInfill and kAdaptive happen only where they are asked for.
inline constexpr Step kUsualOrder[] = {Step::kPenalties, Step::kDry,     Step::kTopNSigma,
                                       Step::kTopK,      Step::kTypical, Step::kTopP,
                                       Step::kMinP,      Step::kXtc,     Step::kTemperature};

/// What steps need to know of the vocabulary. Immutable, any thread.
class TokenTexts {
 public:
  virtual ~TokenTexts() = default;
  /// Bytes of a token; empty for control tokens.
  virtual std::string Piece(int32_t token) const = 0;
  virtual bool EndsGeneration(int32_t token) const = 0;
  /// The token that ends an answer; -1: none.
  virtual int32_t End() const = 0;
};

/// Token sequences across which DRY sees no repetition, by their first token: what must follow it, possibly nothing.
using SequenceBreakers = std::unordered_multimap<int32_t, std::vector<int32_t>>;

struct DryParams {
  float multiplier = 0;  ///< 0: off
  float base = 1.75f;    ///< ≥ 1
  int32_t allowed_length = 2;
  int32_t last_n = 64;  ///< tokens that it looks at; -1: all
  SequenceBreakers breakers = {};
  /// Texts that `breakers` are made of where a vocabulary is known; one token may end, contain or begin one.
  std::vector<std::string> breaker_texts = {};
};

struct MirostatParams {
  int32_t version = 0;  ///< 0: off, else 1 or 2; then it and temperature are the whole chain
  float tau = 5;        ///< wanted surprise, bits
  float eta = 0.1f;     ///< how fast it is approached
};

/// As SamplingParams of protocol/src/engine.ts; values outside their range are refused before they get here.
struct SamplerParams {
  float temperature = 0.8f;
  float dynamic_range = 0;     ///< temperature ± this, by entropy; 0: off
  float dynamic_exponent = 1;  ///< > 0
  int32_t top_k = 40;
  float top_p = 0.95f;
  float min_p = 0.05f;
  float typical_p = 1;
  float top_n_sigma = 0;  ///< ≤ 0: off
  float xtc_probability = 0;
  float xtc_threshold = 0.1f;  ///< above 0.5: off
  float adaptive_target = -1;  ///< below 0: off
  float adaptive_decay = 0.9f;
  uint32_t min_keep = 0;  ///< top-p, min-p, typical and XTC leave at least so many
  float repeat_penalty = 1.0f;
  int32_t repeat_last_n = 64;
  float frequency_penalty = 0.0f;
  float presence_penalty = 0.0f;
  DryParams dry = {};
  MirostatParams mirostat = {};
  uint32_t seed = 0;
  /// Added to a token's logit before any step; -INFINITY forbids it. Ids are inside the vocabulary.
  std::vector<std::pair<int32_t, float>> logit_bias = {};
  /// What is not in it does not happen, whatever its numbers say.
  std::vector<Step> order{std::begin(kUsualOrder), std::end(kUsualOrder)};
  std::shared_ptr<const TokenTexts> texts = nullptr;  ///< kInfill does nothing without it
};

}  // namespace zell::sampling
