// A LoRA adapter as a backend runs it: low-rank additions to weights of a plan.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/plan.h"
#include "kernels/low_rank.h"

namespace zell::backend {

/// W x becomes W x + factor * use scale * B (A x). The bytes belong to whoever made the adapter.
struct LowRank {
  uint32_t rank = 0;
  float factor = 1.0f;  ///< alpha / rank, and what the stored values were multiplied with
  kernels::LowRankType type = kernels::LowRankType::kF16;
  /// [rank][cols of the weight] as F32, F16 or (kInt8) Q8_0; of an embedding [tokens][rank], F32.
  const uint8_t* a = nullptr;
  size_t a_row_bytes = 0;
  /// Panels of the weight's rows, of an embedding of its width (kernels::LowRankArgs).
  const uint8_t* b = nullptr;
};

/// Immutable while a batch names it. rank 0: nothing is added to this weight.
struct Adapter {
  /// Additions are made in ascending order of it, so that no result depends on how a batch lists them.
  uint32_t id = 0;
  std::vector<LowRank> products;    ///< [weight] where a matmul multiplies with it
  std::vector<LowRank> embeddings;  ///< [weight] where tokens pick its rows
};

/// What one item of a batch runs with.
struct AdapterUse {
  const Adapter* adapter = nullptr;
  float scale = 1.0f;
};

}  // namespace zell::backend
