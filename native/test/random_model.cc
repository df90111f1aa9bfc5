#include "random_model.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "file_type.h"
#include "gguf/file.h"
#include "gguf/writer.h"

namespace zell::test {
namespace {

using base::Result;
using base::Status;
using base::StatusCode;
using quant::TensorType;

/// Numbers that depend on nothing but the seed: the standard library's distributions differ between systems.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  /// SplitMix64.
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  /// About normal, mean 0, variance 1: four 16-bit uniforms (variance 1/12 each) in sum. Exact in f32 up to the last
  /// product.
  float Normal() {
    const uint64_t bits = Next();
    const int64_t sum =
        static_cast<int64_t>((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)) -
        2 * 0xffff;
    return static_cast<float>(sum) * (1.7320508f / 65536.0f);
  }

 private:
  uint64_t state_;
};

struct Plan {
  std::string name;
  TensorType type;
  std::vector<uint64_t> dims;
  float mean;
  float deviation;
};

/// Deviations keep every activation near 1: a matrix shrinks its input's sum by the square root of the row, Q and K a
/// little less so that attention is not flat, embeddings so that logits spread by about 3. What a layer adds outweighs
/// the token's own embedding, or a tied model would repeat its last token.
std::vector<Plan> PlanTensors(const RandomModelSpec& spec, uint64_t vocabulary) {
  const uint64_t head = spec.width / spec.heads, kv = head * spec.kv_heads;
  const auto per_row = [](float scale, uint64_t row) { return scale / std::sqrt(static_cast<float>(row)); };
  std::vector<Plan> plans;
  const auto matrix = [&](std::string name, uint64_t row, uint64_t rows, float scale) {
    plans.push_back({std::move(name), spec.type, {row, rows}, 0.0f, per_row(scale, row)});
  };
  const auto vector = [&](std::string name, uint64_t n, float mean, float deviation) {
    plans.push_back({std::move(name), TensorType::kF32, {n}, mean, deviation});
  };
  matrix("token_embd.weight", spec.width, vocabulary, 3.0f);
  for (uint64_t layer = 0; layer < spec.layers; ++layer) {
    const std::string in = "blk." + std::to_string(layer) + ".";
    vector(in + "attn_norm.weight", spec.width, 1.0f, 0.1f);
    matrix(in + "attn_q.weight", spec.width, spec.width, 1.5f);
    matrix(in + "attn_k.weight", spec.width, kv, 1.5f);
    matrix(in + "attn_v.weight", spec.width, kv, 1.0f);
    if (spec.arch == "qwen2") {
      vector(in + "attn_q.bias", spec.width, 0.0f, 0.5f);
      vector(in + "attn_k.bias", kv, 0.0f, 0.5f);
      vector(in + "attn_v.bias", kv, 0.0f, 0.5f);
    }
    matrix(in + "attn_output.weight", spec.width, spec.width, 2.0f);
    vector(in + "ffn_norm.weight", spec.width, 1.0f, 0.1f);
    matrix(in + "ffn_gate.weight", spec.width, spec.ffn, 1.0f);
    matrix(in + "ffn_up.weight", spec.width, spec.ffn, 1.0f);
    matrix(in + "ffn_down.weight", spec.ffn, spec.width, 4.0f);
  }
  vector("output_norm.weight", spec.width, 1.0f, 0.1f);
  if (!spec.tied) matrix("output.weight", spec.width, vocabulary, 3.0f);
  return plans;
}

Status Check(const RandomModelSpec& spec) {
  const auto invalid = [](const char* message) { return Status{StatusCode::kInvalidRequest, message}; };
  if (spec.arch != "llama" && spec.arch != "qwen2") return invalid("--arch is llama or qwen2.");
  for (const uint64_t n : {spec.layers, spec.width, spec.heads, spec.kv_heads, spec.ffn, spec.context}) {
    if (n == 0 || n > uint64_t{1} << 24) return invalid("Sizes are from 1 to 16777216.");
  }
  if (spec.width % spec.heads != 0 || spec.width / spec.heads % 2 != 0) {
    return invalid("--width must be an even number of values per head.");
  }
  if (spec.heads % spec.kv_heads != 0) return invalid("--heads must be a multiple of --kv-heads.");
  return Status::Ok();
}

Status SetMetadata(const RandomModelSpec& spec, const gguf::File& vocabulary_file, uint64_t vocabulary,
                   gguf::HeaderBuilder* header) {
  const std::string in = spec.arch + ".";
  const auto number = [&](const std::string& key, uint64_t n) { header->Set(key, static_cast<uint32_t>(n)); };
  header->Set("general.architecture", spec.arch);
  header->Set("general.name", std::string("random ") + spec.arch);
  header->Set("general.file_type", FileTypeOf(spec.type));
  header->Set("general.quantization_version", uint32_t{2});
  number(in + "context_length", spec.context);
  number(in + "embedding_length", spec.width);
  number(in + "block_count", spec.layers);
  number(in + "feed_forward_length", spec.ffn);
  number(in + "attention.head_count", spec.heads);
  number(in + "attention.head_count_kv", spec.kv_heads);
  number(in + "rope.dimension_count", spec.width / spec.heads);
  number(in + "vocab_size", vocabulary);
  header->Set(in + "rope.freq_base", spec.arch == "qwen2" ? 1000000.0f : 10000.0f);
  header->Set(in + "attention.layer_norm_rms_epsilon", spec.arch == "qwen2" ? 1e-6f : 1e-5f);
  for (const auto& [key, value] : vocabulary_file.metadata()) {
    if (!key.starts_with("tokenizer.")) continue;
    Result<std::vector<uint8_t>> raw = vocabulary_file.RawValue(key);
    if (!raw.ok()) return raw.status();
    header->SetRaw(key, std::move(*raw));
  }
  return Status::Ok();
}

}  // namespace

Status WriteRandomModel(const std::string& path, const RandomModelSpec& spec) {
  ZELL_RETURN_IF_ERROR(Check(spec));
  const Result<std::shared_ptr<const gguf::File>> source = gguf::File::Open(spec.vocab_from, {.map_data = false});
  if (!source.ok()) return source.status();
  const std::vector<std::string>* tokens = (*source)->Strings("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->empty()) {
    return {StatusCode::kInvalidRequest, spec.vocab_from + ": no tokenizer.ggml.tokens."};
  }
  gguf::HeaderBuilder header;
  ZELL_RETURN_IF_ERROR(SetMetadata(spec, **source, tokens->size(), &header));
  const std::vector<Plan> plans = PlanTensors(spec, tokens->size());
  for (const Plan& plan : plans) ZELL_RETURN_IF_ERROR(header.AddTensor(plan.name, plan.type, plan.dims));
  Result<gguf::FileWriter> writer = gguf::FileWriter::Create(path, header);
  if (!writer.ok()) return writer.status();

  Random random(spec.seed);
  std::vector<float> row;
  std::vector<uint8_t> bytes;
  for (const Plan& plan : plans) {
    row.resize(plan.dims[0]);
    bytes.resize(quant::RowBytes(quant::InfoOf(plan.type), row.size()));
    const uint64_t rows = plan.dims.size() > 1 ? plan.dims[1] : 1;
    for (uint64_t r = 0; r < rows; ++r) {
      for (float& weight : row) weight = plan.mean + plan.deviation * random.Normal();
      if (!quant::Quantize(plan.type, row.data(), bytes.data(), row.size())) {
        return {StatusCode::kUnsupported, "Nothing here writes this type."};
      }
      ZELL_RETURN_IF_ERROR(writer->Append(bytes));
    }
  }
  return writer->Commit();
}

}  // namespace zell::test
