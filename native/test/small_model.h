// A tiny model file made from nothing, for tests of everything above the reader. Random weights, a byte vocabulary.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gguf/writer.h"

namespace zell::test {

struct SmallModel {
  std::string arch = "llama";
  uint32_t layers = 2;
  uint32_t width = 256;
  uint32_t heads = 4;
  uint32_t kv_heads = 2;
  uint32_t ffn = 256;
  uint32_t context = 1024;
  uint32_t seed = 1;
  uint32_t experts = 0;  ///< 0: an MLP
  uint32_t experts_used = 2;
  bool separate_experts = false;  ///< a tensor for each, as in older files
  bool same_experts = false;      ///< all of them the same
  bool biases = false;
  bool rope_factors = false;
  std::string leave_out = "";  ///< a tensor that shall be missing
  /// The type of a matrix by its name.
  std::function<quant::TensorType(const std::string&)> type = [](const std::string&) {
    return quant::TensorType::kQ8_0;
  };
  quant::TensorType vector_type = quant::TensorType::kF32;  ///< where rows are whole blocks of it; else F32
  std::function<void(gguf::HeaderBuilder&)> change = [](gguf::HeaderBuilder&) {};  ///< last word on the metadata
};

constexpr uint32_t kSmallVocabulary = 258;

/// GPT-2's letters for bytes: printable ones stand for themselves, the others come after 255.
inline std::vector<std::string> ByteLetters() {
  std::vector<std::string> letters;
  uint32_t next = 256;
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte != 173);
    const uint32_t code = printable ? byte : next++;
    letters.push_back(code < 128
                          ? std::string(1, static_cast<char>(code))
                          : std::string{static_cast<char>(0xc0 | (code >> 6)), static_cast<char>(0x80 | (code & 63))});
  }
  return letters;
}

/// Writes the file into the temporary folder. Empty when that fails.
inline std::string WriteSmallModel(const SmallModel& m, const std::string& name) {
  const std::string path = (std::filesystem::temp_directory_path() / ("zell_" + name + ".gguf")).string();
  gguf::HeaderBuilder header;
  const std::string a = m.arch + ".";
  header.Set("general.architecture", m.arch);
  header.Set(a + "block_count", m.layers);
  header.Set(a + "embedding_length", m.width);
  header.Set(a + "feed_forward_length", m.ffn);
  header.Set(a + "attention.head_count", m.heads);
  header.Set(a + "attention.head_count_kv", m.kv_heads);
  header.Set(a + "context_length", m.context);
  header.Set(a + "attention.layer_norm_rms_epsilon", 1e-5f);
  if (m.experts > 0) {
    header.Set(a + "expert_count", m.experts);
    header.Set(a + "expert_used_count", m.experts_used);
  }
  header.Set("tokenizer.ggml.model", std::string("gpt2"));
  header.Set("tokenizer.ggml.pre", std::string("gpt-2"));
  std::vector<std::string> tokens = ByteLetters();
  std::vector<int32_t> kinds(256, 1);
  tokens.insert(tokens.end(), {"<|begin|>", "<|end|>"});
  kinds.insert(kinds.end(), {3, 3});
  header.Set("tokenizer.ggml.tokens", tokens);
  header.Set("tokenizer.ggml.token_type", kinds);
  header.Set("tokenizer.ggml.merges", std::vector<std::string>{});
  header.Set("tokenizer.ggml.bos_token_id", uint32_t{256});
  header.Set("tokenizer.ggml.eos_token_id", uint32_t{257});
  m.change(header);

  struct Tensor {
    std::string name;
    quant::TensorType type;
    uint64_t cols, rows;
    float mean, deviation;
    uint64_t n = 1;  ///< matrices in one tensor
  };
  std::vector<Tensor> tensors;
  const auto matrix = [&](const std::string& n, uint64_t cols, uint64_t rows, float scale) {
    tensors.push_back({n, m.type(n), cols, rows, 0.0f, scale / std::sqrt(static_cast<float>(cols))});
  };
  const auto vector = [&](const std::string& n, uint64_t size, float mean, float deviation) {
    const bool whole = size % quant::InfoOf(m.vector_type).block_weights == 0;
    tensors.push_back({n, whole ? m.vector_type : quant::TensorType::kF32, size, 1, mean, deviation});
  };
  const uint64_t kv_width = uint64_t{m.width} / m.heads * m.kv_heads;
  matrix("token_embd.weight", m.width, kSmallVocabulary, 3.0f);
  vector("output_norm.weight", m.width, 1.0f, 0.1f);
  if (m.rope_factors) vector("rope_freqs.weight", m.width / m.heads / 2, 2.0f, 0.2f);
  for (uint32_t layer = 0; layer < m.layers; ++layer) {
    const std::string b = "blk." + std::to_string(layer) + ".";
    vector(b + "attn_norm.weight", m.width, 1.0f, 0.1f);
    matrix(b + "attn_q.weight", m.width, m.width, 2.0f);
    matrix(b + "attn_k.weight", m.width, kv_width, 2.0f);
    matrix(b + "attn_v.weight", m.width, kv_width, 1.0f);
    if (m.biases) vector(b + "attn_q.bias", m.width, 0.0f, 0.5f);
    if (m.biases) vector(b + "attn_k.bias", kv_width, 0.0f, 0.5f);
    if (m.biases) vector(b + "attn_v.bias", kv_width, 0.0f, 0.5f);
    matrix(b + "attn_output.weight", m.width, m.width, 2.0f);
    vector(b + "ffn_norm.weight", m.width, 1.0f, 0.1f);
    if (m.experts == 0) {
      matrix(b + "ffn_gate.weight", m.width, m.ffn, 1.0f);
      matrix(b + "ffn_up.weight", m.width, m.ffn, 1.0f);
      matrix(b + "ffn_down.weight", m.ffn, m.width, 3.0f);
      continue;
    }
    matrix(b + "ffn_gate_inp.weight", m.width, m.experts, 3.0f);
    tensors.back().type = quant::TensorType::kF32;
    const auto experts = [&](const std::string& n, uint64_t cols, uint64_t rows, float scale) {
      for (uint32_t e = 0; m.separate_experts && e < m.experts; ++e) {
        matrix(b + n + "." + std::to_string(e) + ".weight", cols, rows, scale);
      }
      if (m.separate_experts) return;
      matrix(b + n + "_exps.weight", cols, rows, scale);
      tensors.back().n = m.experts;
    };
    experts("ffn_gate", m.width, m.ffn, 1.0f);
    experts("ffn_up", m.width, m.ffn, 1.0f);
    experts("ffn_down", m.ffn, m.width, 3.0f);
  }
  std::erase_if(tensors, [&](const Tensor& t) { return t.name == m.leave_out; });
  for (const Tensor& t : tensors) {
    const uint64_t dims[] = {t.cols, t.rows, t.n};
    if (!header.AddTensor(t.name, t.type, std::span(dims, t.n > 1 ? 3u : t.rows > 1 ? 2u : 1u)).ok()) return "";
  }
  auto writer = gguf::FileWriter::Create(path, header);
  if (!writer.ok()) return "";
  uint64_t state = m.seed;
  // Uniform in [-1.7, 1.7]: variance 1 from a linear congruence, the same on every system.
  const auto random = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (static_cast<float>(state >> 40) / 8388608.0f - 1.0f) * 1.7320508f;
  };
  for (const Tensor& t : tensors) {
    std::vector<float> row(t.cols);
    std::vector<uint8_t> bytes(quant::RowBytes(quant::InfoOf(t.type), t.cols));
    const uint64_t first = state;
    for (uint64_t r = 0; r < t.rows * t.n; ++r) {
      if (m.same_experts && r % t.rows == 0) state = first;
      for (float& x : row) x = t.mean + t.deviation * random();
      if (!quant::Quantize(t.type, row.data(), bytes.data(), row.size()) || !writer->Append(bytes).ok()) return "";
    }
  }
  return writer->Commit().ok() ? path : "";
}

}  // namespace zell::test
