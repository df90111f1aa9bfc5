// The step plan: what one step of a model computes, as a flat list of ops. An architecture emits it once; a backend
// compiles it. Shapes are symbolic in the number of tokens and the context length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/kv_type.h"
#include "kernels/activation.h"
#include "quant/blocks.h"

namespace zell::backend {

class ExpertSource;
class MatrixSource;

using ValueId = int;   ///< index into Plan::values; -1 none
using WeightId = int;  ///< index into Plan::weights; -1 none

using kernels::Activation;

/// A tensor of the file, or some of its rows: `rows` rows of `cols` weights. The bytes belong to whoever built the
/// plan, or to Plan::converted.
struct Weight {
  std::string name;        ///< of the tensor
  uint64_t first_row = 0;  ///< in the tensor; of a vector: its first element
  quant::TensorType type = quant::TensorType::kF32;
  uint64_t rows = 0;
  uint64_t cols = 0;
  size_t row_bytes = 0;
  const uint8_t* data = nullptr;
  /// Of a stack of matrices of one shape (experts): where each begins; `data` is the first. Empty: one matrix. Ops with
  /// a routing ask Plan::experts instead, if there is any.
  std::vector<const uint8_t*> stack = {};
};

/// Which rows an intermediate has: one per token of the step, or one per wanted output.
enum class Rows { kTokens, kOutputs };

/// An intermediate of f32, [rows, width]. Every layer writes the same ones again.
struct Value {
  std::string name;
  uint32_t width = 0;
  Rows rows = Rows::kTokens;
};

/// Rotation of the first 2n numbers of each head in pairs, pair i by position * turns[i], and their magnitude.
struct RopeSpec {
  std::vector<double> turns;  ///< radians per position
  bool split_halves = false;  ///< pairs (i, i + n) as in NeoX; else neighbours (2i, 2i + 1)
  double magnitude = 1.0;     ///< what rotated numbers are multiplied by
  /// Not 0: they are also multiplied by 1 + growth * ln(1 + floor(position / growth_step)).
  double growth = 0.0;
  uint32_t growth_step = 1;

  uint32_t dims() const { return static_cast<uint32_t>(2 * turns.size()); }
};

/// How router logits become weights of experts.
enum class Gating {
  kSoftmax,          ///< over all experts
  kSigmoid,          ///< of each expert alone
  kSoftmaxOfChosen,  ///< the largest logits are chosen, and weighted among themselves
};

/// Which experts a token goes to. Ties go to the expert with the smaller number.
struct RouteSpec {
  uint32_t experts = 0;
  uint32_t used = 0;  ///< of them for each token
  Gating gating = Gating::kSoftmax;
  bool normalise = false;  ///< chosen weights are divided by their sum
  float scale = 1.0f;      ///< of the weights, last of all
  uint32_t groups = 1;     ///< of neighbouring experts; those with the best sums of two scores stay eligible
  uint32_t groups_used = 1;
};

/// Layers whose KV rows have the same layout and window.
struct KvGroup {
  uint32_t layers = 0;
  uint32_t kv_heads = 0;
  uint32_t key_dim = 0;    ///< of one head
  uint32_t value_dim = 0;  ///< of one head
  uint32_t window = 0;     ///< a token sees itself and the window - 1 before it; 0: all
  KvType type = KvType::kF16;
  bool rotated = true;  ///< numbers of fewer bits than f16 are rotated first (hadamard.h)

  bool rotates() const { return rotated && type != KvType::kF16; }
};

enum class OpKind {
  kEmbed,      ///< out = row of `weight` for each token
  kAddRow,     ///< out += row of `weight` at the token's position; its only row when it has one
  kTap,        ///< `in` is the hidden state after `layer` layers
  kRmsNorm,    ///< out = rms_norm(in) * weight (-1: 1) (+ bias), for each of `heads` parts by itself (0: one)
  kLayerNorm,  ///< out = layer_norm(in) * weight + bias, the same way; either may be -1
  kMatmul,     ///< every part: out = W in (+ bias)
  kAdd,        ///< out += scale * in
  kScale,      ///< out *= scale
  kSoftCap,    ///< out = scale * tanh(out / scale)
  kRope,       ///< in place on `out`, [heads, head_dim]
  kKvWrite,    ///< in = keys, in2 = values, at each token's position
  kAttention,  ///< out = softmax(scale q K) V, in = queries; scores soft-capped at soft_cap unless 0
  kActivate,   ///< out = activation(in)
  kGate,       ///< out = activation(in) * in2, the latter from its element `in2_first` on
  kRoute,      ///< in = router logits; out = the chosen experts' weights, then their numbers, best first. `weight`:
               ///< F32 added to the scores of the choice alone, or -1
  kExperts,    ///< a matmul with the chosen experts' matrices: in2 = what kRoute gave; `in` has one column for all of
               ///< them or one for each; outs have one for each. Biases are F32 [experts][rows].
               ///< in2 -1: all matrices, each with its own column of `in` (heads)
  kExpertSum,  ///< out = sum of in's columns times the weights in2 of kRoute, best expert first
  kGateRow,    ///< out *= sigmoid(in[0])
  kCopyHeads,  ///< for each of `heads`: head_dim numbers at in_offset + head * in_stride of `in` to out_offset of the
               ///< head in `out`; in_stride 0: the same for all heads
};

struct MatmulPart {
  WeightId weight = -1;
  WeightId bias = -1;  ///< F32 [rows of weight] or -1
  ValueId out = -1;
  uint32_t out_first = 0;  ///< of `out`, which other ops then complete; only where the product is stored as it is
};

/// What happens to a product before it leaves the core's cache.
enum class Epilogue {
  kStore,
  kAddTo,     ///< one part: out += scale * product
  kActivate,  ///< one part: `out` of the op = activation(product); the part's own out stays unwritten
  kGate,      ///< two parts, gate and up: `out` of the op = activation(gate) * up; the parts' outs stay unwritten
};

struct Op {
  OpKind kind;
  int layer = -1;  ///< -1 outside the layers
  ValueId in = -1;
  ValueId in2 = -1;
  uint32_t in2_first = 0;
  ValueId out = -1;
  WeightId weight = -1;
  WeightId bias = -1;  ///< of a layer norm
  float eps = 0.0f;
  uint32_t heads = 0;     ///< of the rotated or normed value, or query heads
  uint32_t head_dim = 0;  ///< of the rotated value, or of queries and keys
  int rope = -1;          ///< index into Plan::ropes
  int route = -1;         ///< index into Plan::routes
  int kv_group = -1;
  uint32_t kv_layer = 0;  ///< which of the group's layers
  float scale = 1.0f;
  float soft_cap = 0.0f;
  WeightId sinks = -1;  ///< F32 [heads]: one more score for each head of an attention, which has no value
  float gate_limit =
      0.0f;  ///< of kGate, not 0: gates up to it, ups within ± it and plus 1, a steeper sigmoid (gpt-oss)
  uint32_t in_stride = 0, in_offset = 0, out_offset = 0;  ///< of kCopyHeads; out_offset also of kRope, within a head
  Activation activation = Activation::kSilu;
  std::vector<MatmulPart> parts = {};
  Epilogue epilogue = Epilogue::kStore;
  int turn = -1;  ///< of a kMatmul: when Plan::matrices brings its matrices; -1: they are in memory
};

struct Plan {
  std::vector<Value> values;
  std::vector<Weight> weights;
  /// Vectors that the file has in another type than F32, converted; `weights` points into them.
  std::vector<std::shared_ptr<const std::vector<float>>> converted;
  std::vector<RopeSpec> ropes;
  std::vector<RouteSpec> routes;
  std::vector<KvGroup> kv_groups;
  /// Runs over all tokens and leaves the last hidden state in `body_out`.
  std::vector<Op> body;
  /// Runs over the wanted rows of `body_out`, which a backend copies to `head_in` first; `normed` is what pooling sees.
  std::vector<Op> head;
  ValueId body_out = -1;
  ValueId head_in = -1;
  ValueId normed = -1;
  ValueId logits = -1;  ///< of the whole vocabulary; of a draft head, of the tokens that it can guess
  uint32_t layers = 0;
  uint32_t embedding_length = 0;
  uint32_t vocabulary_size = 0;
  uint32_t context_length = 0;  ///< what the model was made for
  /// Gives the matrices of experts; outlives the executor. nullptr: they are in memory, where their stacks say.
  ExpertSource* experts = nullptr;
  /// Gives the matrices of ops with a turn; outlives the executor. nullptr: there are none.
  MatrixSource* matrices = nullptr;
  /// Every token sees the whole text, later tokens too: an item must hold all of it. Such a plan has no logits (-1),
  /// and `normed` may be `head_in` itself.
  bool encoder = false;
};

/// Checks ids, widths and shapes of a whole plan; the message names the op. Backends may then index without care.
/// Empty when sound.
std::string FindPlanError(const Plan& plan);

}  // namespace zell::backend
