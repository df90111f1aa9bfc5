// The operations of a decoder beside matrix products, forward and backward, in f32. Rows are tokens. Backward functions
// add to gradients, so that a value that several operations read collects all of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/plan.h"
#include "kernels/kernels.h"
#include "train/gemm.h"
#include "train/workers.h"

namespace zell::train {

/// Tokens that see each other: a text of its own inside a row of several. Positions begin at 0 in each.
struct Segment {
  size_t first = 0, length = 0;
};

/// y = x / sqrt(mean(x²) + eps) * weight for each part of `width` numbers; parts are those of all rows, one after
/// another. weight: [weights] numbers that repeat, or null: 1. x may be y.
struct RmsNorm {
  const float* weight = nullptr;
  size_t width = 0;
  size_t weights = 0;  ///< a multiple of width
  float eps = 0.0f;
};
void RmsNormForward(Workers& workers, const RmsNorm& norm, const float* x, float* y, size_t parts);
/// dx += gradient; dweight, unless null, [weights], += gradient, in the order of the parts.
void RmsNormBackward(Workers& workers, const RmsNorm& norm, const float* x, const float* dy, float* dx, float* dweight,
                     size_t parts);

/// Rotations of every position that occurs.
class RopeTable {
 public:
  void Build(const backend::RopeSpec& rope, size_t positions);
  /// `direction` -1 turns back, for gradients. x: [heads][head_dim], its numbers from `offset` of each head on.
  void Turn(float* x, size_t heads, size_t head_dim, size_t offset, size_t position, float direction) const;

 private:
  bool split_halves_ = false;
  size_t half_ = 0;
  std::vector<float> cosine_, sine_;
};

/// y = f(gate) * up, or f(gate) where up is null.
void GateForward(Workers& workers, kernels::Activation f, const float* gate, const float* up, float* y, size_t n);
void GateBackward(Workers& workers, kernels::Activation f, const float* gate, const float* up, const float* dy,
                  float* dgate, float* dup, size_t n);

/// Causal attention within each segment; head h reads keys and values of head h / (heads / kv_heads).
struct Attention {
  size_t heads = 0, kv_heads = 0, key_dim = 0, value_dim = 0;
  float scale = 1.0f;
  size_t window = 0;  ///< a token sees itself and the window - 1 before it; 0: all
};
/// q: [rows][heads][key_dim], k: [rows][kv_heads][key_dim], v: [rows][kv_heads][value_dim], out:
/// [rows][heads][value_dim].
void AttentionForward(Workers& workers, const Attention& attention, std::span<const Segment> segments, const float* q,
                      const float* k, const float* v, float* out);
void AttentionBackward(Workers& workers, const Attention& attention, std::span<const Segment> segments, const float* q,
                       const float* k, const float* v, const float* dout, float* dq, float* dk, float* dv);

/// Work on ranges of n numbers, on all threads: f(first, last).
template <typename F>
void ForRanges(Workers& workers, size_t n, F f) {
  constexpr size_t kRange = 16384;
  workers.For((n + kRange - 1) / kRange, [&](size_t task, size_t) {
    const size_t first = task * kRange;
    f(first, first + kRange < n ? first + kRange : n);
  });
}

}  // namespace zell::train
