// A model in training: runs rows of tokens forward and backward along the tape, and adds to the gradients of an
// adapter.
#pragma once

#include <memory>
#include <vector>

#include "backend/plan.h"
#include "base/aligned_buffer.h"
#include "base/status.h"
#include "train/linear.h"
#include "train/low_rank.h"
#include "train/row.h"
#include "train/tape.h"

namespace zell::train {

/// Bytes that a network takes for rows of at most this many tokens, apart from the adapter.
struct NetworkMemory {
  uint64_t kept_layer = 0;  ///< of each layer whose activations are kept
  uint64_t states = 0;      ///< all layers' inputs
  uint64_t work = 0;        ///< of one layer, forward and backward; panels; logits
};
NetworkMemory PlanNetwork(const backend::Plan& plan, const Tape& tape, size_t row_tokens, Numerics numerics,
                          int threads);

/// Not thread-safe; its workers may be parked and stopped from elsewhere.
class Network {
 public:
  /// What it is given outlives it; `numerics`: not kFastest. The upper `kept_layers` layers keep what the backward pass
  /// needs, the others compute it again. @errors kOutOfMemory.
  static base::Result<std::unique_ptr<Network>> Make(const backend::Plan& plan, const Tape& tape, LowRankSet& learned,
                                                     Workers& workers, size_t row_tokens, size_t kept_layers,
                                                     Numerics numerics);

  /// From then on Learn adds the gradients of whole weights to those of `gradients` that are not null: [weight], each
  /// as large as it, all in F32. The tape was recorded for it.
  void LearnWhole(std::vector<float*> gradients) { whole_ = std::move(gradients); }
  /// Adds the gradients of the row's weighted loss. After workers.Stop() gradients are worthless.
  /// @errors kOutOfMemory.
  base::Status Learn(const Row& row, RowLoss& loss);
  /// The loss alone. @errors as above.
  base::Status Measure(const Row& row, RowLoss& loss);
  /// Of each loss token the `top` likeliest ids with their log-probabilities as the model without adapter sees them.
  base::Status BaseTop(const Row& row, size_t top, std::vector<int32_t>& ids, std::vector<float>& logprobs);

  static constexpr size_t HeadTokens(size_t vocabulary) {
    return std::min<size_t>(512, std::max<size_t>(16, (size_t{24} << 20) / vocabulary));
  }

 private:
  friend class LayerPass;
  Network(const backend::Plan& plan, const Tape& tape, LowRankSet& learned, Workers& workers, size_t row_tokens,
          Numerics numerics);
  base::Status Allocate(size_t kept_layers);
  void Forward(const Row& row, bool with_adapter, bool keep);
  void Backward(const Row& row);
  void Embed(const Row& row);
  /// Logits of some loss tokens; `head_in_` and `head_normed_` hold what they come from.
  void Logits(const Row& row, size_t first, size_t n);
  /// The loss of all loss tokens; with `gradients`, d_state_ gets that of the last hidden state.
  void Head(const Row& row, bool gradients, RowLoss& loss);
  base::Status Done() const;
  float* GradientOf(backend::WeightId weight) const {
    return weight < 0 || whole_.empty() ? nullptr : whole_[static_cast<size_t>(weight)];
  }

  const backend::Plan& plan_;
  const Tape& tape_;
  LowRankSet& learned_;
  Workers& workers_;
  const size_t row_tokens_;
  const size_t width_;
  std::unique_ptr<Linear> linear_;
  std::vector<float*> whole_;  ///< [weight]; empty: none
  std::vector<RopeTable> ropes_;
  base::AlignedBuffer<float> states_;             ///< [layers + 1][row_tokens][width]
  std::vector<base::AlignedBuffer<float>> kept_;  ///< [layer]; empty: computed again
  base::AlignedBuffer<float> recomputed_, scratch_, gradients_, spare_, d_state_, d_below_;
  base::AlignedBuffer<float> logits_, head_in_, head_normed_, d_normed_, d_head_;
};

/// Where a layer's values lie: offsets in floats per token of a row.
struct LayerLayout {
  std::vector<size_t> offset, gradient;
  std::vector<bool> kept;
  size_t kept_width = 0, scratch_width = 0, gradient_width = 0;
};
LayerLayout LayOut(const LayerTape& layer);

}  // namespace zell::train
