#include "train/low_rank.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include "lora/adapter.h"
#include "train/seeded_random.h"

namespace zell::train {
namespace {

constexpr std::array<std::string_view, 3> kMlp = {"ffn_gate", "ffn_up", "ffn_down"};
constexpr std::array<std::string_view, 4> kAttention = {"attn_q", "attn_k", "attn_v", "attn_output"};

/// `blk.7.attn_q.weight` → 7 and attn_q.
bool Parse(std::string_view name, uint32_t& layer, std::string_view& part) {
  if (!name.starts_with("blk.") || !name.ends_with(".weight")) return false;
  name = name.substr(4, name.size() - 4 - 7);
  const size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot > 6) return false;
  layer = 0;
  for (const char c : name.substr(0, dot)) {
    if (c < '0' || c > '9') return false;
    layer = layer * 10 + static_cast<uint32_t>(c - '0');
  }
  part = name.substr(dot + 1);
  return true;
}

bool Wanted(const backend::Plan& plan, const backend::Weight& w, Targets targets) {
  uint32_t layer = 0;
  std::string_view part;
  if (w.first_row != 0 || !w.stack.empty() || !Parse(w.name, layer, part)) return false;
  const bool mlp = std::find(kMlp.begin(), kMlp.end(), part) != kMlp.end();
  if (targets == Targets::kMiddleMlp) return mlp && layer >= plan.layers / 4 && layer < plan.layers - plan.layers / 4;
  return mlp || std::find(kAttention.begin(), kAttention.end(), part) != kAttention.end();
}

std::optional<float> Alpha(const gguf::File& file) {
  const std::optional<double> alpha = file.F64("adapter.lora.alpha");
  if (!alpha || !std::isfinite(*alpha) || *alpha <= 0 || *alpha > 1e6) return std::nullopt;
  return static_cast<float>(*alpha);
}

}  // namespace

void LowRankSet::Add(const backend::Plan& plan, size_t weight, size_t rank, float factor) {
  const backend::Weight& w = plan.weights[weight];
  LearnedMatrix m{static_cast<backend::WeightId>(weight), w.name, w.cols, w.rows, rank, factor};
  m.a = size_;
  m.b = m.a + m.a_size();
  size_ = m.b + m.b_size();
  by_weight_[weight] = static_cast<int>(matrices_.size());
  matrices_.push_back(std::move(m));
}

base::Result<LowRankSet> LowRankSet::Choose(const backend::Plan& plan, Targets targets, uint32_t rank, float alpha) {
  LowRankSet set;
  set.by_weight_.assign(plan.weights.size(), -1);
  set.alpha_ = alpha;
  for (size_t i = 0; i < plan.weights.size(); ++i) {
    if (Wanted(plan, plan.weights[i], targets)) set.Add(plan, i, rank, alpha / static_cast<float>(rank));
  }
  if (set.matrices_.empty()) {
    return base::Status{base::StatusCode::kUnsupported,
                        "Zell cannot train this model: it has no matrices of attention or MLP by the usual names."};
  }
  return set;
}

base::Result<LowRankSet> LowRankSet::ChooseFrom(const backend::Plan& plan, const gguf::File& file) {
  LowRankSet set;
  set.by_weight_.assign(plan.weights.size(), -1);
  const std::optional<float> alpha = Alpha(file);
  if (!alpha) return base::Status{base::StatusCode::kUnsupported, "adapter.lora.alpha is not a positive number"};
  set.alpha_ = *alpha;
  for (size_t i = 0; i < plan.weights.size(); ++i) {
    const backend::Weight& w = plan.weights[i];
    const gguf::TensorInfo *a = file.FindTensor(w.name + ".lora_a"), *b = file.FindTensor(w.name + ".lora_b");
    if (a == nullptr || b == nullptr || !Wanted(plan, w, Targets::kAll)) continue;
    const uint64_t rank = b->dims[0];
    if (rank == 0 || rank > lora::kMaxRank || a->dims[0] != w.cols || a->dims[1] != rank || b->dims[1] != w.rows ||
        a->n_dims > 2 || b->n_dims > 2) {
      return base::Status{base::StatusCode::kBadModelFile, "the adapter's halves for " + w.name + " do not fit"};
    }
    set.Add(plan, i, static_cast<size_t>(rank), set.alpha_ / static_cast<float>(rank));
  }
  if (set.matrices_.size() * 2 != file.tensors().size()) {
    return base::Status{base::StatusCode::kUnsupported,
                        "the adapter changes tensors that Zell does not train; start without it"};
  }
  return set;
}

base::Status LowRankSet::Allocate() {
  for (base::AlignedBuffer<float>* buffer : {&values_, &gradients_, &first_, &second_}) {
    *buffer = base::AlignedBuffer<float>(size_);
    if (!buffer->ok()) {
      return {base::StatusCode::kOutOfMemory,
              "no memory for the adapter in training (" + std::to_string(size_ * 16) + " bytes)"};
    }
  }
  return base::Status::Ok();
}

void LowRankSet::Initialise(uint64_t seed) {
  Random random(seed);
  for (const LearnedMatrix& m : matrices_) {
    const float bound = 1.0f / std::sqrt(static_cast<float>(m.cols));
    for (size_t i = 0; i < m.a_size(); ++i) values_[m.a + i] = random.Symmetric() * bound;
    std::memset(values_.data() + m.b, 0, m.b_size() * sizeof(float));
  }
}

base::Status LowRankSet::Read(const gguf::File& file) {
  for (const LearnedMatrix& m : matrices_) {
    const gguf::TensorInfo *a = file.FindTensor(m.tensor + ".lora_a"), *b = file.FindTensor(m.tensor + ".lora_b");
    for (const gguf::TensorInfo* t : {a, b}) {
      if (!quant::IsMatrixType(t->type) || t->dims[0] % quant::InfoOf(t->type).block_weights != 0) {
        return {base::StatusCode::kBadModelFile, "tensor " + t->name + " has an unusable type"};
      }
    }
    std::vector<float> numbers(m.a_size());
    quant::Dequantize(a->type, file.data(*a).data(), numbers.data(), numbers.size());
    for (size_t r = 0; r < m.rank; ++r) {
      for (size_t c = 0; c < m.cols; ++c) values_[m.a + c * m.rank + r] = numbers[r * m.cols + c];
    }
    quant::Dequantize(b->type, file.data(*b).data(), values_.data() + m.b, m.b_size());
  }
  for (size_t i = 0; i < size_; ++i) {
    if (!std::isfinite(values_[i])) return {base::StatusCode::kBadModelFile, "the adapter holds numbers that are none"};
  }
  return base::Status::Ok();
}

void LowRankSet::ZeroGradients() { std::memset(gradients_.data(), 0, size_ * sizeof(float)); }

std::vector<uint32_t> LowRankSet::ranks() const {
  std::vector<uint32_t> ranks(by_weight_.size(), 0);
  for (const LearnedMatrix& m : matrices_) ranks[static_cast<size_t>(m.weight)] = static_cast<uint32_t>(m.rank);
  return ranks;
}

}  // namespace zell::train
