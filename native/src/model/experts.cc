#include "model/experts.h"

#include <memory>

namespace zell::model {
namespace {

using backend::MatmulPart;
using backend::Op;
using backend::OpKind;
using backend::ValueId;
using backend::WeightId;

std::string Name(int layer, const std::string& tensor) { return "blk." + std::to_string(layer) + "." + tensor; }

base::Status Bad(const std::string& message) { return {base::StatusCode::kBadModelFile, message}; }

#define ZELL_READ(field, expr)                          \
  do {                                                  \
    auto zell_value_ = (expr);                          \
    if (!zell_value_.ok()) return zell_value_.status(); \
    field = static_cast<decltype(field)>(*zell_value_); \
  } while (false)

}  // namespace

base::Result<ExpertShape> ReadExpertShape(const Metadata& metadata, const ExpertShape& usual) {
  ExpertShape s = usual;
  ZELL_READ(s.route.experts, metadata.U32("expert_count", 1, 1 << 12));
  ZELL_READ(s.route.used, metadata.U32("expert_used_count", 1, s.route.experts));
  ZELL_READ(s.feed_forward, metadata.U32Or("expert_feed_forward_length", s.feed_forward, 1, 1 << 20));
  ZELL_READ(s.shared_feed_forward,
            metadata.U32Or("expert_shared_feed_forward_length", s.shared_feed_forward, 0, 1 << 20));
  ZELL_READ(s.dense_layers, metadata.U32Or("leading_dense_block_count", s.dense_layers, 0, 1024));
  ZELL_READ(s.route.groups, metadata.U32Or("expert_group_count", s.route.groups, 0, s.route.experts));
  ZELL_READ(s.route.groups_used, metadata.U32Or("expert_group_used_count", s.route.groups, 0, s.route.experts));
  if (s.route.groups == 0) s.route.groups = 1;
  if (s.route.groups_used == 0) s.route.groups_used = s.route.groups;
  if (s.route.experts % s.route.groups != 0 || s.route.groups_used > s.route.groups ||
      s.route.used > s.route.experts / s.route.groups * s.route.groups_used) {
    return Bad("expert_group_count (" + std::to_string(s.route.groups) + ") does not fit the numbers of experts");
  }
  double scale = s.route.scale;
  ZELL_READ(scale, metadata.F64Or("expert_weights_scale", scale, -1e6, 1e6));
  // Files write 0 for a scale that is not used.
  s.route.scale = scale == 0.0 ? 1.0f : static_cast<float>(scale);
  ZELL_READ(s.route.normalise, metadata.BoolOr("expert_weights_norm", s.route.normalise));
  uint32_t gating = 0;
  ZELL_READ(gating, metadata.U32Or("expert_gating_func", 0, 0, 1 << 16));
  switch (gating) {
    case 0:
      break;  // the architecture's own
    case 1:
      s.route.gating = backend::Gating::kSoftmax;
      break;
    case 2:
      s.route.gating = backend::Gating::kSigmoid;
      break;
    case 3:
      s.route.gating = backend::Gating::kSoftmaxOfChosen;
      break;
    default:
      return base::Status{base::StatusCode::kUnsupportedModel,
                          "expert_gating_func " + std::to_string(gating) + " is not supported yet"};
  }
  return s;
}

void UseExperts(DecoderReader& reader, const ExpertShape& usual) {
  base::Result<ExpertShape> shape = ReadExpertShape(reader.metadata(), usual);
  if (!shape.ok()) return reader.Fail(shape.status().code, shape.status().message);
  const uint32_t embedding = reader.shape.embedding;
  reader.traits.special_mlp = [shape = *shape, embedding, builder = std::shared_ptr<ExpertBuilder>()](
                                  PlanBuilder& b, uint32_t layer, ValueId in, ValueId out) mutable {
    if (layer < shape.dense_layers || (layer + 1) % shape.step != 0) return false;
    if (builder == nullptr) builder = std::make_shared<ExpertBuilder>(b, shape, embedding);
    builder->Emit(static_cast<int>(layer), in, out);
    return true;
  };
}

uint32_t SharedWidth(DecoderReader& reader) {
  return reader.U32("expert_shared_count", 0, 0, 64) *
         reader.U32("expert_feed_forward_length", reader.shape.feed_forward, 1, 1 << 20);
}

ExpertBuilder::ExpertBuilder(PlanBuilder& builder, const ExpertShape& shape, uint32_t embedding)
    : b_(builder), s_(shape), embedding_(embedding) {
  const uint32_t used = s_.route.used;
  route_ = b_.Route(s_.route);
  logits_ = b_.Value("router", s_.route.experts);
  chosen_ = b_.Value("chosen", 2 * used);
  gate_ = b_.Value("experts_gate", used * s_.feed_forward);
  up_ = b_.Value("experts_up", used * s_.feed_forward);
  down_ = b_.Value("experts_down", used * embedding_);
  if (s_.shared_feed_forward == 0) return;
  shared_gate_ = b_.Value("shared_gate", s_.shared_feed_forward);
  shared_up_ = b_.Value("shared_up", s_.shared_feed_forward);
  shared_ = b_.Value("shared", embedding_);
  if (s_.shared_gate) shared_weight_ = b_.Value("shared_weight", 1);
}

void ExpertBuilder::Emit(int layer, ValueId in, ValueId out) {
  if (s_.shared_feed_forward > 0) Shared(layer, in);
  Routed(layer, in, out);
  if (s_.shared_feed_forward > 0) Push({.kind = OpKind::kAdd, .layer = layer, .in = shared_, .out = out});
}

void ExpertBuilder::Shared(int layer, ValueId in) {
  Push({.kind = OpKind::kMatmul,
        .layer = layer,
        .in = in,
        .parts = {Plain(layer, "ffn_gate_shexp", embedding_, s_.shared_feed_forward, shared_gate_)}});
  Push({.kind = OpKind::kMatmul,
        .layer = layer,
        .in = in,
        .parts = {Plain(layer, "ffn_up_shexp", embedding_, s_.shared_feed_forward, shared_up_)}});
  Push({.kind = OpKind::kGate,
        .layer = layer,
        .in = shared_gate_,
        .in2 = shared_up_,
        .out = shared_gate_,
        .activation = s_.activation});
  Push({.kind = OpKind::kMatmul,
        .layer = layer,
        .in = shared_gate_,
        .parts = {Plain(layer, "ffn_down_shexp", s_.shared_feed_forward, embedding_, shared_)}});
  if (!s_.shared_gate) return;
  Push({.kind = OpKind::kMatmul,
        .layer = layer,
        .in = in,
        .parts = {Plain(layer, "ffn_gate_inp_shexp", embedding_, 1, shared_weight_)}});
}

void ExpertBuilder::Routed(int layer, ValueId in, ValueId out) {
  Push({.kind = OpKind::kMatmul,
        .layer = layer,
        .in = in,
        .parts = {Plain(layer, "ffn_gate_inp", embedding_, s_.route.experts, logits_)}});
  if (s_.shared_gate) Push({.kind = OpKind::kGateRow, .layer = layer, .in = shared_weight_, .out = shared_});
  const std::string bias = Name(layer, "exp_probs_b.bias");
  const WeightId selection =
      s_.selection_bias ? b_.Vector(bias, s_.route.experts) : b_.OptionalVector(bias, s_.route.experts);
  Push({.kind = OpKind::kRoute, .layer = layer, .in = logits_, .out = chosen_, .weight = selection, .route = route_});

  Op first{.kind = OpKind::kExperts, .layer = layer, .in = in, .in2 = chosen_, .route = route_};
  if (b_.Has(Name(layer, "ffn_gate_up_exps.weight"))) {
    const auto half = [&](uint64_t first, ValueId value) {
      return MatmulPart{b_.StackRows(Name(layer, "ffn_gate_up_exps.weight"), embedding_, 2 * s_.feed_forward, first,
                                     s_.feed_forward, s_.route.experts),
                        -1, value};
    };
    first.parts = {half(0, gate_), half(s_.feed_forward, up_)};
    if (b_.Has(Name(layer, "ffn_gate_up_exps.bias"))) {
      b_.Fail(base::StatusCode::kUnsupportedModel,
              "tensor " + Name(layer, "ffn_gate_up_exps.bias") + " is not supported yet");
    }
  } else {
    first.parts = {Part(layer, "ffn_gate", embedding_, s_.feed_forward, gate_),
                   Part(layer, "ffn_up", embedding_, s_.feed_forward, up_)};
  }
  Push(std::move(first));
  Push({.kind = OpKind::kGate,
        .layer = layer,
        .in = gate_,
        .in2 = up_,
        .out = gate_,
        .gate_limit = s_.gate_limit,
        .activation = s_.activation});
  Push({.kind = OpKind::kExperts,
        .layer = layer,
        .in = gate_,
        .in2 = chosen_,
        .route = route_,
        .parts = {Part(layer, "ffn_down", s_.feed_forward, embedding_, down_)}});
  Push({.kind = OpKind::kExpertSum, .layer = layer, .in = down_, .in2 = chosen_, .out = out, .route = route_});
}

MatmulPart ExpertBuilder::Part(int layer, const char* tensor, uint32_t cols, uint32_t rows, ValueId out) {
  const WeightId stack = b_.Stack(Name(layer, tensor), cols, rows, s_.route.experts);
  const std::string bias = Name(layer, std::string(tensor) + "_exps.bias");
  return {stack, b_.Has(bias) ? b_.FloatMatrix(bias, rows, s_.route.experts) : -1, out};
}

MatmulPart ExpertBuilder::Plain(int layer, const char* tensor, uint32_t cols, uint32_t rows, ValueId out) {
  const WeightId weight = b_.Matrix(Name(layer, std::string(tensor) + ".weight"), cols, rows);
  return {weight, b_.OptionalVector(Name(layer, std::string(tensor) + ".bias"), rows), out};
}

}  // namespace zell::model
