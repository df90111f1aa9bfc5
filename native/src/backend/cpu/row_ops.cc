#include "backend/cpu/row_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "backend/cpu/experts.h"
#include "backend/cpu/kv_rows.h"
#include "backend/cpu/route.h"
#include "backend/matrix_source.h"

namespace zell::backend {
namespace {

const Weight& WeightOf(const Machine& m, WeightId id) { return m.plan->weights[static_cast<size_t>(id)]; }

// F32 vectors lie in the file at any alignment that GGUF allows, so at least 4 bytes.
const float* Floats(const Weight& w) { return reinterpret_cast<const float*>(w.data); }

void Embed(const Machine& m, const RunState& state, const Op& op, size_t row) {
  const Weight& w = WeightOf(m, op.weight);
  const bool brought = m.plan->matrices != nullptr && m.plan->matrices->brings_rows();
  const uint8_t* from = brought ? m.embeddings.data() + row * w.row_bytes
                                : w.data + static_cast<size_t>(state.rows[row].token) * w.row_bytes;
  quant::Dequantize(w.type, from, m.Row(op.out, row), w.cols);
  AddToEmbedding(m, state, op, row);
}

void AddRow(const Machine& m, const RunState& state, const Op& op, size_t row, float* scratch) {
  const Weight& w = WeightOf(m, op.weight);
  const size_t at = w.rows == 1 ? 0 : state.rows[row].position;
  quant::Dequantize(w.type, w.data + at * w.row_bytes, scratch, w.cols);
  m.kernels->add(m.Row(op.out, row), scratch, w.cols);
}

void TapRow(const Machine& m, const RunState& state, const Op& op, size_t row) {
  const TokenRow& r = state.rows[row];
  for (const Tap& tap : state.batch->taps) {
    if (tap.item != r.item || tap.token != r.index || tap.layer != static_cast<uint32_t>(op.layer)) continue;
    std::memcpy(tap.out, m.Row(op.in, row), m.plan->values[static_cast<size_t>(op.in)].width * sizeof(float));
  }
}

void Rotate(const Machine& m, const RunState& state, const Op& op, size_t row) {
  const RopeSpec& rope = m.plan->ropes[static_cast<size_t>(op.rope)];
  const RopeTable& table = state.ropes[static_cast<size_t>(op.rope)];
  const size_t half = rope.turns.size();
  const float* cosine = table.cosine.data() + row * half;
  const float* sine = table.sine.data() + row * half;
  float* x = m.Row(op.out, row) + op.out_offset;
  const size_t step = rope.split_halves ? 1 : 2, distance = rope.split_halves ? half : 1;
  for (uint32_t head = 0; head < op.heads; ++head, x += op.head_dim) {
    for (size_t i = 0; i < half; ++i) {
      const float a = x[i * step], b = x[i * step + distance];
      x[i * step] = a * cosine[i] - b * sine[i];
      x[i * step + distance] = a * sine[i] + b * cosine[i];
    }
  }
}

void CopyHeads(const Machine& m, const Op& op, size_t row) {
  const float* in = m.Row(op.in, row) + op.in_offset;
  const size_t out_stride = m.plan->values[static_cast<size_t>(op.out)].width / op.heads;
  float* out = m.Row(op.out, row) + op.out_offset;
  for (size_t h = 0; h < op.heads; ++h) std::copy_n(in + h * op.in_stride, op.head_dim, out + h * out_stride);
}

void GateRow(const Machine& m, const Op& op, size_t row) {
  const float gate = 1.0f / (1.0f + std::exp(-m.Row(op.in, row)[0]));
  float* x = m.Row(op.out, row);
  const size_t n = m.plan->values[static_cast<size_t>(op.out)].width;
  for (size_t i = 0; i < n; ++i) x[i] *= gate;
}

void WriteKv(const Machine& m, const RunState& state, const Op& op, size_t row, float* scratch) {
  const TokenRow& r = state.rows[row];
  const BatchItem& item = state.batch->items[r.item];
  const size_t group_index = static_cast<size_t>(op.kv_group);
  const KvGroup& group = m.plan->kv_groups[group_index];
  const KvLayout layout(group);
  const bool tree = !item.parents.empty();
  const size_t at = tree ? r.index : r.position;
  uint8_t* block = (tree ? item.tree_blocks : item.blocks)[group_index][at / kBlockTokens];
  uint16_t* base = reinterpret_cast<uint16_t*>(block);
  const size_t token = at % kBlockTokens;
  const float *keys = m.Row(op.in, row), *values = m.Row(op.in2, row);
  for (size_t head = 0; head < group.kv_heads; ++head) {
    WriteKeyRow(*m.kernels, group, keys + head * group.key_dim, {base + layout.Keys(op.kv_layer, head), token},
                scratch);
    WriteValueRow(*m.kernels, group, values + head * group.value_dim, {base + layout.Values(op.kv_layer, head), token},
                  scratch);
  }
}

}  // namespace

void NormRow(const Machine& m, const Op& op, const float* in, float* out) {
  const size_t width = m.plan->values[static_cast<size_t>(op.in)].width;
  const size_t parts = op.heads > 0 ? op.heads : 1, n = width / parts;
  const auto vector = [&](WeightId id, size_t part) -> const float* {
    if (id < 0) return nullptr;
    const Weight& w = WeightOf(m, id);
    return Floats(w) + (w.cols == n ? 0 : part * n);
  };
  for (size_t p = 0; p < parts; ++p) {
    const float* x = in + p * n;
    float* y = out + p * n;
    if (op.kind == OpKind::kRmsNorm && op.weight < 0) {
      const float scale = 1.0f / std::sqrt(m.kernels->dot_f32(x, x, n) / static_cast<float>(n) + op.eps);
      if (y != x) std::memcpy(y, x, n * sizeof(float));
      m.kernels->scale(y, scale, n);
    } else if (op.kind == OpKind::kRmsNorm) {
      m.kernels->rms_norm(x, vector(op.weight, p), y, n, op.eps);
      if (op.bias >= 0) m.kernels->add(y, vector(op.bias, p), n);
    } else {
      m.kernels->layer_norm(x, vector(op.weight, p), vector(op.bias, p), y, n, op.eps);
    }
  }
}

void FillRopeTables(const Plan& plan, RunState& state) {
  state.ropes.resize(plan.ropes.size());
  for (size_t s = 0; s < plan.ropes.size(); ++s) {
    const RopeSpec& rope = plan.ropes[s];
    const size_t half = rope.turns.size();
    RopeTable& table = state.ropes[s];
    table.cosine.resize(state.rows.size() * half);
    table.sine.resize(state.rows.size() * half);
    for (size_t i = 0; i < half; ++i) {
      for (size_t row = 0; row < state.rows.size(); ++row) {
        const double position = static_cast<double>(state.rows[row].position), angle = position * rope.turns[i];
        double size = rope.magnitude;
        if (rope.growth != 0) size *= 1 + rope.growth * std::log1p(std::floor(position / rope.growth_step));
        table.cosine[row * half + i] = static_cast<float>(std::cos(angle) * size);
        table.sine[row * half + i] = static_cast<float>(std::sin(angle) * size);
      }
    }
  }
}

void AddScaled(const Machine& m, float scale, const float* x, float* y, size_t n) {
  if (scale == 1.0f) {
    m.kernels->add(y, x, n);
  } else {
    m.kernels->axpy(y, x, scale, n);
  }
}

void RunRowOp(const Machine& m, const RunState& state, const Op& op, size_t row, float* scratch) {
  const auto width = [&](ValueId id) { return static_cast<size_t>(m.plan->values[static_cast<size_t>(id)].width); };
  switch (op.kind) {
    case OpKind::kEmbed:
      return Embed(m, state, op, row);
    case OpKind::kTap:
      return TapRow(m, state, op, row);
    case OpKind::kAddRow:
      return AddRow(m, state, op, row, scratch);
    case OpKind::kRmsNorm:
    case OpKind::kLayerNorm:
      return NormRow(m, op, m.Row(op.in, row), m.Row(op.out, row));
    case OpKind::kAdd:
      return AddScaled(m, op.scale, m.Row(op.in, row), m.Row(op.out, row), width(op.in));
    case OpKind::kScale:
      return m.kernels->scale(m.Row(op.out, row), op.scale, width(op.out));
    case OpKind::kSoftCap:
      return m.kernels->soft_cap(m.Row(op.out, row), op.scale, width(op.out));
    case OpKind::kActivate:
      return m.kernels->activate(op.activation, m.Row(op.in, row), m.Row(op.out, row), width(op.in));
    case OpKind::kGate:
      return GateNumbers(m, op, m.Row(op.in, row), m.Row(op.in2, row) + op.in2_first, m.Row(op.out, row), width(op.in));
    case OpKind::kCopyHeads:
      return CopyHeads(m, op, row);
    case OpKind::kRope:
      return Rotate(m, state, op, row);
    case OpKind::kKvWrite:
      return WriteKv(m, state, op, row, scratch);
    case OpKind::kRoute:
      return RouteRow(m, op, m.Row(op.in, row), m.Row(op.out, row), scratch);
    case OpKind::kExpertSum:
      return SumExperts(m, op, row);
    case OpKind::kGateRow:
      return GateRow(m, op, row);
    case OpKind::kMatmul:
    case OpKind::kExperts:
    case OpKind::kAttention:
      return;  // phases of their own
  }
}

size_t RowScratchFloats(const Plan& plan) {
  size_t most = 0;
  for (const KvGroup& g : plan.kv_groups) most = std::max(most, KvRowScratchFloats(std::max(g.key_dim, g.value_dim)));
  size_t floats = std::max(most, RouteScratchFloats(plan));
  for (const Op& op : plan.body) {
    if (op.kind == OpKind::kAddRow) floats = std::max<size_t>(floats, plan.embedding_length);
  }
  return floats;
}

void QuantizeRow(const Machine& m, kernels::ActivationFormat format, ValueId in, size_t row, size_t columns) {
  const size_t k = m.plan->values[static_cast<size_t>(in)].width / columns;
  const size_t bytes = kernels::ActivationBytes(format, k);
  uint8_t* out = m.activations[static_cast<size_t>(format)].data() + row * columns * bytes;
  for (size_t c = 0; c < columns; ++c) m.kernels->quantize(format, m.Row(in, row) + c * k, out + c * bytes, k);
}

}  // namespace zell::backend
