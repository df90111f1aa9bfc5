// What a model's step plan means for training: each layer's operations with the values that they read and write, every
// value written once, and which of them the backward pass needs.
#pragma once

#include <cstdint>
#include <vector>

#include "backend/plan.h"
#include "base/status.h"

namespace zell::train {

struct TapeValue {
  uint32_t width = 0;
  bool needed = false;      ///< the backward pass reads it
  bool recomputed = false;  ///< needed, but cheaper to compute again than to keep
};

/// Numbers index LayerTape::values; -1 none.
struct TapeOp {
  const backend::Op* op = nullptr;
  int in = -1, in2 = -1, in3 = -1;  ///< of attention: queries, keys, values
  int before = -1;                  ///< what `out` was, of operations that change a value
  std::vector<int> outs;            ///< one, or one for each part of a matmul
  std::vector<int> low_rank;        ///< of a matmul: A x of each part that learns, else -1
};

struct LayerTape {
  std::vector<TapeValue> values;
  std::vector<TapeOp> ops;
  int input = -1, output = -1;  ///< the hidden state before and after
  bool learns = false;
};

struct Tape {
  std::vector<const backend::Op*> prologue;  ///< from tokens to the first layer's input
  std::vector<LayerTape> layers;
  const backend::Op* norm = nullptr;    ///< of the head, or null
  const backend::Op* output = nullptr;  ///< the matmul that gives logits
  float logit_scale = 1.0f;
};

/// `plan` outlives the tape; its operations are those that BuildPlan emits, neighbouring matmuls merged or not.
/// `ranks`: [weight] of the adapter in training, 0 where nothing learns. `whole`: the layers' own numbers learn.
/// @errors kUnsupported: the operation that has no backward pass, by name.
base::Result<Tape> RecordTape(const backend::Plan& plan, const std::vector<uint32_t>& ranks, bool whole = false);

}  // namespace zell::train
