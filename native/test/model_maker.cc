#include "model_maker.h"

#include <cmath>

namespace zell::test {

ModelMaker::ModelMaker(std::string arch, const ModelShape& the_shape, uint64_t the_vocabulary)
    : shape(the_shape), vocabulary(the_vocabulary), prefix_(arch + ".") {
  SetAny("general.architecture", arch);
  SetAny("general.name", "random " + arch);
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

}  // namespace zell::test
