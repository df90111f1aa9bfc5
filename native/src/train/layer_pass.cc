#include "train/layer_pass.h"

#include <algorithm>
#include <cstring>

namespace zell::train {

using backend::Op;
using backend::OpKind;

namespace {

void Copy(Workers& workers, const float* from, float* to, size_t n) {
  ForRanges(workers, n,
            [&](size_t first, size_t last) { std::memcpy(to + first, from + first, (last - first) * sizeof(float)); });
}

void AddScaled(Workers& workers, const float* from, float* to, float scale, size_t n) {
  ForRanges(workers, n, [&](size_t first, size_t last) {
    kernels::ActiveKernels().axpy(to + first, from + first, scale, last - first);
  });
}

}  // namespace

LayerLayout LayOut(const LayerTape& layer) {
  LayerLayout layout;
  const size_t n = layer.values.size();
  layout.offset.resize(n);
  layout.gradient.resize(n);
  layout.kept.resize(n);
  for (size_t i = 0; i < n; ++i) {
    const TapeValue& value = layer.values[i];
    if (static_cast<int>(i) == layer.input || static_cast<int>(i) == layer.output) continue;
    layout.kept[i] = value.needed && !value.recomputed;
    size_t& width = layout.kept[i] ? layout.kept_width : layout.scratch_width;
    layout.offset[i] = width;
    width += value.width;
    layout.gradient[i] = layout.gradient_width;
    layout.gradient_width += value.width;
  }
  return layout;
}

LayerPass::LayerPass(Network& network, size_t layer, const Row& row, float* input, float* output, float* kept)
    : n_(network),
      tape_(network.tape_.layers[layer]),
      layout_(LayOut(tape_)),
      row_(row),
      tokens_(row.tokens.size()),
      input_(input),
      output_(output),
      kept_(kept) {}

float* LayerPass::Value(int value) const {
  if (value == tape_.input) return input_;
  if (value == tape_.output) return output_;
  const auto i = static_cast<size_t>(value);
  return (layout_.kept[i] ? kept_ : n_.scratch_.data()) + layout_.offset[i] * n_.row_tokens_;
}

float* LayerPass::Gradient(int value) {
  if (value == tape_.input) return d_input_;
  if (value == tape_.output) return d_output_;
  return n_.gradients_.data() + layout_.gradient[static_cast<size_t>(value)] * n_.row_tokens_;
}

float* LayerPass::Added(int value) {
  float* gradient = Gradient(value);
  const auto i = static_cast<size_t>(value);
  if (!touched_[i]) {
    ForRanges(n_.workers_, tokens_ * tape_.values[i].width,
              [&](size_t first, size_t last) { std::fill(gradient + first, gradient + last, 0.0f); });
  }
  touched_[i] = true;
  return gradient;
}

void LayerPass::AddGradient(int value, const float* from, float scale) {
  const auto i = static_cast<size_t>(value);
  const size_t n = tokens_ * tape_.values[i].width;
  float* to = Gradient(value);
  if (touched_[i]) {
    AddScaled(n_.workers_, from, to, scale, n);
  } else {
    Copy(n_.workers_, from, to, n);
    ScaleAll(n_.workers_, to, scale, n);
  }
  touched_[i] = true;
}

std::vector<LinearPart> LayerPass::Parts(const TapeOp& t, bool with_adapter) {
  std::vector<LinearPart> parts;
  for (size_t p = 0; p < t.op->parts.size(); ++p) {
    const backend::MatmulPart& part = t.op->parts[p];
    LinearPart linear;
    linear.weight = ToQuantRows(n_.plan_.weights[static_cast<size_t>(part.weight)]);
    if (part.bias >= 0) {
      linear.bias = reinterpret_cast<const float*>(n_.plan_.weights[static_cast<size_t>(part.bias)].data);
    }
    linear.y = Value(t.outs[p]);
    if (with_adapter && t.low_rank[p] >= 0) {
      const int index = n_.learned_.by_weight()[static_cast<size_t>(part.weight)];
      linear.learned = &n_.learned_.matrices()[static_cast<size_t>(index)];
      linear.u = Value(t.low_rank[p]);
    }
    parts.push_back(linear);
  }
  return parts;
}

Attention LayerPass::AttentionOf(const TapeOp& t) const {
  const Op& op = *t.op;
  const backend::KvGroup& group = n_.plan_.kv_groups[static_cast<size_t>(op.kv_group)];
  return {.heads = op.heads,
          .kv_heads = group.kv_heads,
          .key_dim = group.key_dim,
          .value_dim = group.value_dim,
          .scale = op.scale,
          .window = group.window};
}

RmsNorm LayerPass::NormOf(const TapeOp& t) const {
  const Op& op = *t.op;
  RmsNorm norm;
  norm.width = tape_.values[static_cast<size_t>(t.in)].width / std::max(1u, op.heads);
  norm.eps = op.eps;
  if (op.weight >= 0) {
    const backend::Weight& w = n_.plan_.weights[static_cast<size_t>(op.weight)];
    norm.weight = reinterpret_cast<const float*>(w.data);
    norm.weights = static_cast<size_t>(w.rows * w.cols);
  }
  return norm;
}

void LayerPass::Turn(const TapeOp& t, float* x, float direction) {
  const Op& op = *t.op;
  const size_t width = tape_.values[static_cast<size_t>(t.before)].width;
  n_.workers_.For(row_.segments.size(), [&](size_t s, size_t) {
    const Segment& segment = row_.segments[s];
    for (size_t i = 0; i < segment.length; ++i) {
      n_.ropes_[static_cast<size_t>(op.rope)].Turn(x + (segment.first + i) * width, op.heads, op.head_dim,
                                                   op.out_offset, i, direction);
    }
  });
}

void LayerPass::Run(const TapeOp& t, bool with_adapter) {
  const size_t n = t.outs.empty() ? 0 : tokens_ * tape_.values[static_cast<size_t>(t.outs[0])].width;
  Workers& workers = n_.workers_;
  switch (t.op->kind) {
    case OpKind::kMatmul:
      n_.linear_->Forward(Parts(t, with_adapter), Value(t.in), tokens_, tape_.values[static_cast<size_t>(t.in)].width);
      break;
    case OpKind::kRmsNorm: {
      const RmsNorm norm = NormOf(t);
      RmsNormForward(workers, norm, Value(t.in), Value(t.outs[0]), n / norm.width);
      break;
    }
    case OpKind::kAttention:
      AttentionForward(workers, AttentionOf(t), row_.segments, Value(t.in), Value(t.in2), Value(t.in3),
                       Value(t.outs[0]));
      break;
    case OpKind::kGate:
    case OpKind::kActivate:
      GateForward(workers, t.op->activation, Value(t.in), t.in2 < 0 ? nullptr : Value(t.in2), Value(t.outs[0]), n);
      break;
    case OpKind::kAdd:
      Copy(workers, Value(t.before), Value(t.outs[0]), n);
      AddScaled(workers, Value(t.in), Value(t.outs[0]), t.op->scale, n);
      break;
    case OpKind::kScale:
      Copy(workers, Value(t.before), Value(t.outs[0]), n);
      ScaleAll(workers, Value(t.outs[0]), t.op->scale, n);
      break;
    case OpKind::kRope:
      Copy(workers, Value(t.before), Value(t.outs[0]), n);
      Turn(t, Value(t.outs[0]), 1.0f);
      break;
    default:
      break;
  }
}

void LayerPass::Forward(bool with_adapter) {
  for (const TapeOp& t : tape_.ops) Run(t, with_adapter);
}

void LayerPass::Back(const TapeOp& t) {
  Workers& workers = n_.workers_;
  const auto touched = [&](int out) { return touched_[static_cast<size_t>(out)]; };
  if (std::none_of(t.outs.begin(), t.outs.end(), touched)) return;
  float* dy = Added(t.outs[0]);
  const size_t n = tokens_ * tape_.values[static_cast<size_t>(t.outs[0])].width;
  switch (t.op->kind) {
    case OpKind::kMatmul:
      BackMatmul(t);
      break;
    case OpKind::kRmsNorm: {
      if (t.in == tape_.input && d_input_ == nullptr) break;
      const RmsNorm norm = NormOf(t);
      RmsNormBackward(workers, norm, Value(t.in), dy, Added(t.in), n_.GradientOf(t.op->weight), n / norm.width);
      break;
    }
    case OpKind::kAttention:
      AttentionBackward(workers, AttentionOf(t), row_.segments, Value(t.in), Value(t.in2), Value(t.in3), dy,
                        Added(t.in), Added(t.in2), Added(t.in3));
      break;
    case OpKind::kGate:
    case OpKind::kActivate:
      GateBackward(workers, t.op->activation, Value(t.in), t.in2 < 0 ? nullptr : Value(t.in2), dy, Added(t.in),
                   t.in2 < 0 ? nullptr : Added(t.in2), n);
      break;
    case OpKind::kAdd:
      AddGradient(t.in, dy, t.op->scale);
      if (t.before != tape_.input || d_input_ != nullptr) AddGradient(t.before, dy, 1.0f);
      break;
    case OpKind::kScale:
      if (t.before != tape_.input || d_input_ != nullptr) AddGradient(t.before, dy, t.op->scale);
      break;
    case OpKind::kRope:
      Turn(t, dy, -1.0f);
      AddGradient(t.before, dy, 1.0f);
      break;
    default:
      break;
  }
}

void LayerPass::BackMatmul(const TapeOp& t) {
  std::vector<LinearPart> parts = Parts(t, true);
  for (size_t p = 0; p < parts.size(); ++p) {
    parts[p].dy = Added(t.outs[p]);
    parts[p].dw = n_.GradientOf(t.op->parts[p].weight);
  }
  const bool wanted = t.in != tape_.input || d_input_ != nullptr;
  const auto in = static_cast<size_t>(t.in);
  n_.linear_->Backward(parts, Value(t.in), wanted ? Gradient(t.in) : nullptr, touched_[in], tokens_,
                       tape_.values[in].width);
  touched_[in] = touched_[in] || wanted;
}

void LayerPass::Backward(float* d_output, float* d_input) {
  for (const TapeOp& t : tape_.ops) {
    if (!t.outs.empty() && tape_.values[static_cast<size_t>(t.outs[0])].recomputed) Run(t, true);
  }
  d_output_ = d_output;
  d_input_ = d_input;
  touched_.assign(tape_.values.size(), false);
  touched_[static_cast<size_t>(tape_.output)] = true;
  for (size_t i = tape_.ops.size(); i-- > 0;) Back(tape_.ops[i]);
  if (d_input != nullptr) Added(tape_.input);
}

}  // namespace zell::train
