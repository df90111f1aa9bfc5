// What a training is asked for. The defaults are those of protocol/src/trainer.ts.
#pragma once

#include <cstdint>
#include <vector>

#include "base/status.h"
#include "train/low_rank.h"

namespace zell::train {

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
