#include "train/network.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "train/layer_pass.h"
#include "train/loss.h"

namespace zell::train {
namespace {

struct Widths {
  size_t kept = 0, scratch = 0, gradients = 0, widest = 0;
};

Widths WidthsOf(const backend::Plan& plan, const Tape& tape) {
  Widths w;
  for (const LayerTape& layer : tape.layers) {
    const LayerLayout layout = LayOut(layer);
    w.kept = std::max(w.kept, layout.kept_width);
    w.scratch = std::max(w.scratch, layout.scratch_width);
    w.gradients = std::max(w.gradients, layout.gradient_width);
    for (const TapeValue& value : layer.values) w.widest = std::max<size_t>(w.widest, value.width);
  }
  w.widest = std::max<size_t>(w.widest, plan.embedding_length);
  return w;
}

}  // namespace

NetworkMemory PlanNetwork(const backend::Plan& plan, const Tape& tape, size_t row_tokens, Numerics numerics,
                          int threads) {
  const Widths w = WidthsOf(plan, tape);
  const size_t d = plan.embedding_length, head = Network::HeadTokens(plan.vocabulary_size);
  NetworkMemory memory;
  memory.kept_layer = uint64_t{4} * row_tokens * w.kept;
  memory.states = uint64_t{4} * row_tokens * d * (plan.layers + 1);
  memory.work =
      uint64_t{4} * (row_tokens * (w.kept + w.scratch + w.gradients + 3 * d) + head * (plan.vocabulary_size + 4 * d)) +
      LinearBytes(numerics, row_tokens, w.widest, threads);
  return memory;
}

Network::Network(const backend::Plan& plan, const Tape& tape, LowRankSet& learned, Workers& workers, size_t row_tokens,
                 Numerics numerics)
    : plan_(plan),
      tape_(tape),
      learned_(learned),
      workers_(workers),
      row_tokens_(row_tokens),
      width_(plan.embedding_length),
      linear_(MakeLinear(numerics, workers, learned)) {}

base::Result<std::unique_ptr<Network>> Network::Make(const backend::Plan& plan, const Tape& tape, LowRankSet& learned,
                                                     Workers& workers, size_t row_tokens, size_t kept_layers,
                                                     Numerics numerics) {
  std::unique_ptr<Network> network(new Network(plan, tape, learned, workers, row_tokens, numerics));
  ZELL_RETURN_IF_ERROR(network->Allocate(kept_layers));
  return network;
}

base::Status Network::Allocate(size_t kept_layers) {
  const Widths w = WidthsOf(plan_, tape_);
  const size_t head = HeadTokens(plan_.vocabulary_size), layers = tape_.layers.size();
  bool ok = true;
  const auto take = [&](base::AlignedBuffer<float>& buffer, size_t floats) {
    if (ok) buffer = base::AlignedBuffer<float>(floats);
    ok = ok && buffer.ok();
  };
  take(states_, (layers + 1) * row_tokens_ * width_);
  kept_.resize(layers);
  for (size_t i = layers - std::min(layers, kept_layers); i < layers; ++i) take(kept_[i], row_tokens_ * w.kept);
  take(recomputed_, row_tokens_ * w.kept);
  take(scratch_, row_tokens_ * w.scratch);
  take(gradients_, row_tokens_ * w.gradients);
  for (base::AlignedBuffer<float>* state : {&spare_, &d_state_, &d_below_}) take(*state, row_tokens_ * width_);
  for (base::AlignedBuffer<float>* x : {&head_in_, &head_normed_, &d_normed_, &d_head_}) take(*x, head * width_);
  take(logits_, head * plan_.vocabulary_size);
  if (!ok) return {base::StatusCode::kOutOfMemory, "no memory for the activations of training"};
  ropes_.resize(plan_.ropes.size());
  for (size_t i = 0; i < ropes_.size(); ++i) ropes_[i].Build(plan_.ropes[i], row_tokens_);
  return base::Status::Ok();
}

base::Status Network::Done() const {
  if (linear_->failed()) return {base::StatusCode::kOutOfMemory, "no memory for the products of training"};
  return base::Status::Ok();
}

void Network::Embed(const Row& row) {
  if (row.states != nullptr) {
    std::memcpy(states_.data(), row.states, row.tokens.size() * width_ * sizeof(float));
    return;
  }
  for (const backend::Op* op : tape_.prologue) {
    if (op->kind == backend::OpKind::kScale) {
      kernels::ActiveKernels().scale(states_.data(), op->scale, row.tokens.size() * width_);
      continue;
    }
    const QuantRows w = ToQuantRows(plan_.weights[static_cast<size_t>(op->weight)]);
    workers_.For(row.tokens.size(), [&](size_t i, size_t) {
      quant::Dequantize(w.type, w.data + static_cast<size_t>(row.tokens[i]) * w.row_bytes, states_.data() + i * width_,
                        width_);
    });
  }
}

void Network::Forward(const Row& row, bool with_adapter, bool keep) {
  Embed(row);
  const size_t state = row_tokens_ * width_;
  for (size_t i = 0; i < tape_.layers.size() && !workers_.stopped(); ++i) {
    float* kept = keep && kept_[i].size() > 0 ? kept_[i].data() : recomputed_.data();
    LayerPass pass(*this, i, row, states_.data() + i * state, states_.data() + (i + 1) * state, kept);
    pass.Forward(with_adapter);
  }
}

void Network::Backward(const Row& row) {
  const size_t state = row_tokens_ * width_;
  size_t lowest = 0;
  while (lowest < tape_.layers.size() && !tape_.layers[lowest].learns) ++lowest;
  for (size_t i = tape_.layers.size(); i-- > lowest && !workers_.stopped();) {
    const bool kept = kept_[i].size() > 0;
    LayerPass pass(*this, i, row, states_.data() + i * state, spare_.data(),
                   kept ? kept_[i].data() : recomputed_.data());
    if (!kept) pass.Forward(true);
    pass.Backward(d_state_.data(), i > lowest || !whole_.empty() ? d_below_.data() : nullptr);
    std::swap(d_state_, d_below_);
  }
}

void Network::Logits(const Row& row, size_t first, size_t n) {
  const float* last = states_.data() + tape_.layers.size() * row_tokens_ * width_;
  workers_.For(n, [&](size_t i, size_t) {
    std::memcpy(head_in_.data() + i * width_, last + row.losses[first + i].from * width_, width_ * sizeof(float));
  });
  float* x = head_in_.data();
  if (tape_.norm != nullptr) {
    const backend::Weight& w = plan_.weights[static_cast<size_t>(tape_.norm->weight)];
    const RmsNorm norm{reinterpret_cast<const float*>(w.data), width_, width_, tape_.norm->eps};
    RmsNormForward(workers_, norm, x, head_normed_.data(), n);
    x = head_normed_.data();
  }
  const backend::MatmulPart& part = tape_.output->parts[0];
  LinearPart linear;
  linear.weight = ToQuantRows(plan_.weights[static_cast<size_t>(part.weight)]);
  if (part.bias >= 0) {
    linear.bias = reinterpret_cast<const float*>(plan_.weights[static_cast<size_t>(part.bias)].data);
  }
  linear.y = logits_.data();
  linear_->Forward(std::span(&linear, 1), x, n, width_);
}

void Network::Head(const Row& row, bool gradients, RowLoss& loss) {
  const size_t chunk = HeadTokens(plan_.vocabulary_size), v = plan_.vocabulary_size;
  const kernels::Kernels& k = kernels::ActiveKernels();
  if (gradients) std::memset(d_state_.data(), 0, row.tokens.size() * width_ * sizeof(float));
  std::vector<float> losses(chunk);
  for (size_t first = 0; first < row.losses.size() && !workers_.stopped(); first += chunk) {
    const size_t n = std::min(chunk, row.losses.size() - first);
    Logits(row, first, n);
    workers_.For(n, [&](size_t i, size_t) {
      const LossToken& token = row.losses[first + i];
      float* logits = logits_.data() + i * v;
      if (tape_.logit_scale != 1.0f) k.scale(logits, tape_.logit_scale, v);
      losses[i] = token.ids.empty()
                      ? CrossEntropy(logits, v, token.target, token.weight * tape_.logit_scale)
                      : SparseDivergence(logits, v, token.ids, token.logprobs, token.weight * tape_.logit_scale);
    });
    for (size_t i = 0; i < n; ++i) (row.losses[first + i].anchor ? loss.anchors : loss.items) += losses[i];
    if (!gradients) continue;
    LinearPart linear;
    linear.weight = ToQuantRows(plan_.weights[static_cast<size_t>(tape_.output->parts[0].weight)]);
    linear.dy = logits_.data();
    float* d = d_normed_.data();
    linear_->Backward(std::span(&linear, 1), nullptr, d, false, n, width_);
    if (tape_.norm != nullptr) {
      const backend::Weight& w = plan_.weights[static_cast<size_t>(tape_.norm->weight)];
      const RmsNorm norm{reinterpret_cast<const float*>(w.data), width_, width_, tape_.norm->eps};
      std::memset(d_head_.data(), 0, n * width_ * sizeof(float));
      RmsNormBackward(workers_, norm, head_in_.data(), d, d_head_.data(), GradientOf(tape_.norm->weight), n);
      d = d_head_.data();
    }
    for (size_t i = 0; i < n; ++i) k.add(d_state_.data() + row.losses[first + i].from * width_, d + i * width_, width_);
  }
}

base::Status Network::Learn(const Row& row, RowLoss& loss) {
  Forward(row, true, true);
  Head(row, true, loss);
  Backward(row);
  return Done();
}

base::Status Network::Measure(const Row& row, RowLoss& loss) {
  Forward(row, true, false);
  Head(row, false, loss);
  return Done();
}

base::Status Network::BaseTop(const Row& row, size_t top, std::vector<int32_t>& ids, std::vector<float>& logprobs) {
  Forward(row, false, false);
  const size_t chunk = HeadTokens(plan_.vocabulary_size), v = plan_.vocabulary_size;
  ids.assign(row.losses.size() * top, 0);
  logprobs.assign(row.losses.size() * top, 0.0f);
  for (size_t first = 0; first < row.losses.size() && !workers_.stopped(); first += chunk) {
    const size_t n = std::min(chunk, row.losses.size() - first);
    Logits(row, first, n);
    workers_.For(n, [&](size_t i, size_t) {
      float* logits = logits_.data() + i * v;
      if (tape_.logit_scale != 1.0f) kernels::ActiveKernels().scale(logits, tape_.logit_scale, v);
      std::vector<int32_t> order(v);
      for (size_t t = 0; t < v; ++t) order[t] = static_cast<int32_t>(t);
      const auto better = [&](int32_t a, int32_t b) {
        const float x = logits[a], y = logits[b];
        return x != y ? x > y : a < b;
      };
      std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(), better);
      const float max = logits[order[0]];
      double sum = 0;
      for (size_t t = 0; t < v; ++t) sum += std::exp(static_cast<double>(logits[t] - max));
      for (size_t t = 0; t < top; ++t) {
        ids[(first + i) * top + t] = order[t];
        logprobs[(first + i) * top + t] = static_cast<float>(logits[order[t]] - max - std::log(sum));
      }
    });
  }
  return Done();
}

}  // namespace zell::train
