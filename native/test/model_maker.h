// Collects the metadata and tensors of a model to be; what files in models/ describe architectures with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gguf/writer.h"

namespace zell::test {

/// Sizes of a random model. Rows are whole blocks of every type when widths are multiples of 256.
struct ModelShape {
  uint64_t layers = 0;
  uint64_t width = 0;
  uint64_t heads = 0;
  uint64_t kv_heads = 0;
  uint64_t head_dim = 0;  ///< 0: width / heads
  uint64_t ffn = 0;
  uint64_t context = 0;
  uint64_t experts = 0, experts_used = 0, expert_ffn = 0;  ///< of mixtures; 0: 8, 2, 256
  int tied = -1;                                           ///< 1: the embedding is the output matrix; 0: one of its own
};

struct RandomTensor {
  std::string name;
  std::vector<uint64_t> dims;  ///< row length first
  float mean = 0.0f;
  float deviation = 0.0f;
  bool matrix = false;             ///< gets the type of the file; else F32
  std::vector<float> values = {};  ///< instead of random ones
};

/// What a usual decoder consists of besides Llama's tensors, or in their place.
struct DecoderParts {
  const char* attention_norm = "attn_norm";  ///< nullptr: none
  const char* mlp_norm = "ffn_norm";         ///< nullptr: none
  bool post_norms = false;                   ///< post_attention_norm, post_ffw_norm
  bool norm_bias = false;
  bool layer_norm = false;  ///< only names the epsilon
  bool qkv_bias = false, output_bias = false, mlp_bias = false;
  bool fused_qkv = false;
  bool plain_mlp = false, fused_gate = false;
  bool whole_norms = false;  ///< of Q and K as whole rows
  bool own_norms = false;    ///< for each head its own: [head_dim, heads]
  bool head_norms = false;   ///< one for all heads
  float embedding_scale = 3.0f;
};

/// Deviations should keep every activation near 1 and attention from being flat: then a wrong term shows.
class ModelMaker {
 public:
  ModelMaker(const std::string& arch, const ModelShape& shape, uint64_t vocabulary);

  const ModelShape shape;
  const uint64_t vocabulary;
  uint64_t q_width() const { return shape.heads * shape.head_dim; }
  uint64_t kv_width() const { return shape.kv_heads * shape.head_dim; }

  /// A key of the architecture, without its prefix. Whole numbers are u32 in files.
  void Set(std::string_view key, const gguf::FileValue& value);
  void Number(std::string_view key, uint64_t value) { Set(key, static_cast<uint32_t>(value)); }
  /// A whole key.
  void SetAny(std::string_view key, const gguf::FileValue& value) { metadata_.emplace_back(key, value); }

  /// `rows` rows of `cols` weights with deviation scale / sqrt(cols): inputs near 1 give outputs near `scale`.
  void Matrix(const std::string& name, uint64_t cols, uint64_t rows, float scale);
  /// The same for several matrices in one tensor, as experts are stored.
  void Matrices(const std::string& name, uint64_t cols, uint64_t rows, uint64_t n, float scale);
  void Vector(const std::string& name, uint64_t n, float mean, float deviation);
  /// F32 whatever the file's type is.
  void FloatMatrix(const std::string& name, uint64_t cols, uint64_t rows, float deviation);
  void Values(const std::string& name, std::vector<float> values);
  /// A norm's weight; `bias` adds one.
  void Norm(const std::string& name, uint64_t n, bool bias = false);

  // Parts that most decoders share. `in` is a layer's prefix, `blk.N.`.
  /// Everything: metadata, embedding, layers, output.
  void Decoder(const DecoderParts& parts);
  /// block_count … attention.head_count_kv, context_length, RMS epsilon, rotation base.
  void DecoderMetadata();
  void Embedding(float scale = 3.0f);
  /// output_norm, and the output matrix unless tied.
  void Output(bool norm_bias = false, bool bias = false);
  /// attn_q, attn_k, attn_v, attn_output.
  void Attention(const std::string& in, bool qkv_bias = false, bool output_bias = false);
  /// One matrix for Q, K and V.
  void FusedAttention(const std::string& in, bool qkv_bias = false, bool output_bias = false);
  void GatedMlp(const std::string& in, bool bias = false);
  void PlainMlp(const std::string& in, bool bias = false);
  /// expert_count, expert_used_count, expert_feed_forward_length.
  void ExpertMetadata();
  /// Router, ffn_gate_exps, ffn_up_exps, ffn_down_exps. The router is F32, as in real files;
  /// `router`: the deviation of its logits.
  void Experts(const std::string& in, bool biases = false, bool selection_bias = false, float router = 2.0f);
  /// ffn_gate_shexp, ffn_up_shexp, ffn_down_shexp; `gate`: ffn_gate_inp_shexp.
  void SharedExpert(const std::string& in, uint64_t ffn, bool gate = false);
  static std::string Layer(uint64_t layer) { return "blk." + std::to_string(layer) + "."; }

  const std::vector<std::pair<std::string, gguf::FileValue>>& metadata() const { return metadata_; }
  const std::vector<RandomTensor>& tensors() const { return tensors_; }

 private:
  std::string prefix_;
  std::vector<std::pair<std::string, gguf::FileValue>> metadata_;
  std::vector<RandomTensor> tensors_;
};

}  // namespace zell::test
