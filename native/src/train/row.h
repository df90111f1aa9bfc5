// Texts that are computed side by side.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "train/ops.h"

namespace zell::train {

/// A token whose prediction counts.
struct LossToken {
  size_t from = 0;  ///< the row's token that predicts it: the one before
  uint32_t target = 0;
  float weight = 1.0f;                ///< of its gradient
  std::span<const int32_t> ids = {};  ///< given: the divergence from a teacher counts instead of the target
  std::span<const float> logprobs = {};
  bool anchor = false;  ///< which sum its loss goes to
};

/// Segments cover all tokens, one after another.
struct Row {
  std::vector<int32_t> tokens;
  const float* states = nullptr;  ///< given: what the layers begin with, [tokens][width], instead of embeddings
  std::vector<Segment> segments;
  std::vector<LossToken> losses;
};

/// Sums over a row's tokens, weights not counted.
struct RowLoss {
  double items = 0, anchors = 0;
};

}  // namespace zell::train
