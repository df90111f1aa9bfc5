#include "model_maker.h"

#include <cmath>

namespace zell::test {

ModelMaker::ModelMaker(const std::string& arch, const ModelShape& the_shape, uint64_t the_vocabulary)
    : shape(the_shape), vocabulary(the_vocabulary), prefix_(arch + ".") {
  SetAny("general.architecture", arch);
  SetAny("general.name", std::string("random model"));  // some readers look for known names
}

void ModelMaker::Set(std::string_view key, const gguf::FileValue& value) {
  metadata_.emplace_back(prefix_ + std::string(key), value);
}

void ModelMaker::Matrix(const std::string& name, uint64_t cols, uint64_t rows, float scale) {
  tensors_.push_back({name, {cols, rows}, 0.0f, scale / std::sqrt(static_cast<float>(cols)), true});
}

void ModelMaker::Matrices(const std::string& name, uint64_t cols, uint64_t rows, uint64_t n, float scale) {
  tensors_.push_back({name, {cols, rows, n}, 0.0f, scale / std::sqrt(static_cast<float>(cols)), true});
}

void ModelMaker::Vector(const std::string& name, uint64_t n, float mean, float deviation) {
  tensors_.push_back({name, {n}, mean, deviation});
}

void ModelMaker::FloatMatrix(const std::string& name, uint64_t cols, uint64_t rows, float deviation) {
  tensors_.push_back({name, {cols, rows}, 0.0f, deviation});
}

void ModelMaker::Values(const std::string& name, std::vector<float> values) {
  RandomTensor tensor{name, {values.size()}};
  tensor.values = std::move(values);
  tensors_.push_back(std::move(tensor));
}

void ModelMaker::Norm(const std::string& name, uint64_t n, bool bias) {
  Vector(name + ".weight", n, 1.0f, 0.1f);
  if (bias) Vector(name + ".bias", n, 0.0f, 0.2f);
}

void ModelMaker::DecoderMetadata() {
  Number("context_length", shape.context);
  Number("embedding_length", shape.width);
  Number("block_count", shape.layers);
  Number("feed_forward_length", shape.ffn);
  Number("attention.head_count", shape.heads);
  Number("attention.head_count_kv", shape.kv_heads);
  if (shape.head_dim * shape.heads != shape.width) {
    Number("attention.key_length", shape.head_dim);
    Number("attention.value_length", shape.head_dim);
  }
  Number("rope.dimension_count", shape.head_dim);
  Number("vocab_size", vocabulary);
  Set("rope.freq_base", 10000.0f);
  Set("attention.layer_norm_rms_epsilon", 1e-5f);
}

void ModelMaker::Embedding(float scale) { Matrix("token_embd.weight", shape.width, vocabulary, scale); }

void ModelMaker::Output(bool norm_bias, bool bias) {
  Norm("output_norm", shape.width, norm_bias);
  if (shape.tied == 0) Matrix("output.weight", shape.width, vocabulary, 3.0f);
  if (bias) Vector("output.bias", vocabulary, 0.0f, 0.5f);
}

// Q and K are a little large, so that attention is not flat; what a layer adds outweighs the token's own embedding, or
// a tied model would repeat its last token.
void ModelMaker::Attention(const std::string& in, bool qkv_bias, bool output_bias) {
  Matrix(in + "attn_q.weight", shape.width, q_width(), 1.2f);
  Matrix(in + "attn_k.weight", shape.width, kv_width(), 1.2f);
  Matrix(in + "attn_v.weight", shape.width, kv_width(), 1.0f);
  if (qkv_bias) {
    Vector(in + "attn_q.bias", q_width(), 0.0f, 0.5f);
    Vector(in + "attn_k.bias", kv_width(), 0.0f, 0.5f);
    Vector(in + "attn_v.bias", kv_width(), 0.0f, 0.5f);
  }
  Matrix(in + "attn_output.weight", q_width(), shape.width, 2.0f);
  if (output_bias) Vector(in + "attn_output.bias", shape.width, 0.0f, 0.5f);
}

void ModelMaker::FusedAttention(const std::string& in, bool qkv_bias, bool output_bias) {
  Matrix(in + "attn_qkv.weight", shape.width, q_width() + 2 * kv_width(), 1.2f);
  if (qkv_bias) Vector(in + "attn_qkv.bias", q_width() + 2 * kv_width(), 0.0f, 0.5f);
  Matrix(in + "attn_output.weight", q_width(), shape.width, 2.0f);
  if (output_bias) Vector(in + "attn_output.bias", shape.width, 0.0f, 0.5f);
}

void ModelMaker::GatedMlp(const std::string& in, bool bias) {
  Matrix(in + "ffn_gate.weight", shape.width, shape.ffn, 1.0f);
  if (bias) Vector(in + "ffn_gate.bias", shape.ffn, 0.0f, 0.3f);
  Matrix(in + "ffn_up.weight", shape.width, shape.ffn, 1.0f);
  if (bias) Vector(in + "ffn_up.bias", shape.ffn, 0.0f, 0.3f);
  Matrix(in + "ffn_down.weight", shape.ffn, shape.width, 3.0f);
  if (bias) Vector(in + "ffn_down.bias", shape.width, 0.0f, 0.3f);
}

void ModelMaker::PlainMlp(const std::string& in, bool bias) {
  Matrix(in + "ffn_up.weight", shape.width, shape.ffn, 1.5f);
  if (bias) Vector(in + "ffn_up.bias", shape.ffn, 0.0f, 0.3f);
  Matrix(in + "ffn_down.weight", shape.ffn, shape.width, 2.0f);
  if (bias) Vector(in + "ffn_down.bias", shape.width, 0.0f, 0.3f);
}

void ModelMaker::Decoder(const DecoderParts& p) {
  DecoderMetadata();
  if (p.layer_norm) Set("attention.layer_norm_epsilon", 1e-5f);
  Embedding(p.embedding_scale);
  for (uint64_t layer = 0; layer < shape.layers; ++layer) {
    const std::string in = Layer(layer);
    if (p.attention_norm != nullptr) Norm(in + p.attention_norm, shape.width, p.norm_bias);
    if (p.fused_qkv) {
      FusedAttention(in, p.qkv_bias, p.output_bias);
    } else {
      Attention(in, p.qkv_bias, p.output_bias);
    }
    if (p.own_norms) {
      tensors_.push_back({in + "attn_q_norm.weight", {shape.head_dim, shape.heads}, 1.0f, 0.2f});
      tensors_.push_back({in + "attn_k_norm.weight", {shape.head_dim, shape.kv_heads}, 1.0f, 0.2f});
    } else if (p.head_norms || p.whole_norms) {
      Vector(in + "attn_q_norm.weight", p.whole_norms ? q_width() : shape.head_dim, 1.0f, 0.2f);
      Vector(in + "attn_k_norm.weight", p.whole_norms ? kv_width() : shape.head_dim, 1.0f, 0.2f);
    }
    if (p.post_norms) Norm(in + "post_attention_norm", shape.width);
    if (p.mlp_norm != nullptr) Norm(in + p.mlp_norm, shape.width, p.norm_bias);
    if (p.plain_mlp) {
      PlainMlp(in, p.mlp_bias);
    } else if (p.fused_gate) {
      Matrix(in + "ffn_up.weight", shape.width, 2 * shape.ffn, 1.0f);
      Matrix(in + "ffn_down.weight", shape.ffn, shape.width, 3.0f);
    } else {
      GatedMlp(in, p.mlp_bias);
    }
    if (p.post_norms) Norm(in + "post_ffw_norm", shape.width);
  }
  Output(p.norm_bias);
}

void ModelMaker::ExpertMetadata() {
  Number("expert_count", shape.experts);
  Number("expert_used_count", shape.experts_used);
  Number("expert_feed_forward_length", shape.expert_ffn);
}

// Router logits are large, so that the last expert chosen and the first one not chosen weigh little: which of the two
// it is may then depend on rounding.
void ModelMaker::Experts(const std::string& in, bool biases, bool selection_bias, float router) {
  const uint64_t n = shape.experts, ffn = shape.expert_ffn;
  Matrix(in + "ffn_gate_inp.weight", shape.width, n, router);
  tensors_.back().matrix = false;
  if (biases) Vector(in + "ffn_gate_inp.bias", n, 0.0f, 1.0f);
  if (selection_bias) Vector(in + "exp_probs_b.bias", n, 0.0f, 1.0f);
  const auto bias = [&](const std::string& name, uint64_t rows) {
    if (biases) tensors_.push_back({name, {rows, n}, 0.0f, 0.3f});
  };
  Matrices(in + "ffn_gate_exps.weight", shape.width, ffn, n, 1.0f);
  bias(in + "ffn_gate_exps.bias", ffn);
  Matrices(in + "ffn_up_exps.weight", shape.width, ffn, n, 1.0f);
  bias(in + "ffn_up_exps.bias", ffn);
  Matrices(in + "ffn_down_exps.weight", ffn, shape.width, n, 2.0f);
  bias(in + "ffn_down_exps.bias", shape.width);
}

void ModelMaker::SharedExpert(const std::string& in, uint64_t ffn, bool gate) {
  if (gate) Vector(in + "ffn_gate_inp_shexp.weight", shape.width, 0.0f, 0.1f);
  Matrix(in + "ffn_gate_shexp.weight", shape.width, ffn, 1.0f);
  Matrix(in + "ffn_up_shexp.weight", shape.width, ffn, 1.0f);
  Matrix(in + "ffn_down_shexp.weight", ffn, shape.width, 2.0f);
}

}  // namespace zell::test
