// What a training is asked for. The defaults are those of protocol/src/trainer.ts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "train/low_rank.h"

namespace zell::train {

/// How products of matrices are computed. Each has bits of its own, which no processor changes.
enum class Numerics {
  kFastest,  ///< what this processor is fastest at; a trainer's plan says which
  kF32,      ///< fused multiply-adds of f32
  kBf16x3,   ///< every number as a sum of two bf16, three products of four: 2^-16 of a product is lost at most
};
/// `f32`, `bf16x3`; empty for kFastest.
const char* NameOf(Numerics numerics);
/// false, and nothing changed: no such name.
bool ParseNumerics(std::string_view name, Numerics& numerics);

struct Recipe {
  uint32_t rank = 16;
  float alpha = 32.0f;
  Targets targets = Targets::kAll;
  double learning_rate = 5e-4;
  double warmup = 0.06;
  double final_rate = 0.1;
  double weight_decay = 0.0;
  double clip_norm = 1.0;
  uint32_t batch_items = 8;
  double anchor_share = 0.25;
  double anchor_weight = 1.0;
  uint32_t epochs = 4;
  uint64_t seed = 1;
  uint32_t row_tokens = 1024;
  int threads = 1;
  Numerics numerics = Numerics::kFastest;
};

/// One text to train on.
struct Item {
  std::vector<int32_t> tokens;
  std::vector<uint8_t> loss;  ///< [tokens]: 1 where predicting the token counts; the first is 0
  float weight = 1.0f;
  bool anchor = false;
  uint32_t top = 0;             ///< of the teacher; 0: the tokens themselves are learnt
  std::vector<int32_t> ids;     ///< [ones in loss][top]
  std::vector<float> logprobs;  ///< likewise
};

/// @errors kInvalidRequest: the field that is out of range.
base::Status CheckRecipe(const Recipe& recipe);
/// @errors kInvalidRequest: what is wrong; kTooLarge: more tokens than a row or the model's context takes.
base::Status CheckItem(const Item& item, uint32_t vocabulary, uint32_t most_tokens);

/// The rate of step `step` (from 0) of `steps`: rises in a line, then falls along a cosine.
double LearningRate(const Recipe& recipe, uint64_t step, uint64_t steps);

}  // namespace zell::train
