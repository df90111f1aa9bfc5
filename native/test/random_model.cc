#include "random_model.h"

#include <algorithm>
#include <memory>
#include <string_view>
#include <vector>

#include "convert/file_type.h"
#include "convert/recipe.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "models/models.h"
#include "random.h"
#include "small_model.h"
#include "type_mix.h"

namespace zell::test {
namespace {

using base::Result;
using base::Status;
using base::StatusCode;
using quant::TensorType;

Status Invalid(const std::string& message) { return {StatusCode::kInvalidRequest, message}; }

/// What the caller names, else what the model's row names, else small.
ModelShape ShapeOf(const ModelShape& wanted, const ModelShape& row) {
  const auto pick = [](uint64_t first, uint64_t second, uint64_t usual) {
    return first != 0 ? first : second != 0 ? second : usual;
  };
  ModelShape s;
  s.layers = pick(wanted.layers, row.layers, 2);
  s.width = pick(wanted.width, row.width, 256);
  s.heads = pick(wanted.heads, row.heads, 4);
  s.kv_heads = pick(wanted.kv_heads, row.kv_heads, 2);
  s.head_dim = pick(wanted.head_dim, row.head_dim, s.width / s.heads);
  s.ffn = pick(wanted.ffn, row.ffn, 512);
  s.context = pick(wanted.context, row.context, 2048);
  s.experts = pick(wanted.experts, row.experts, 8);
  s.experts_used = pick(wanted.experts_used, row.experts_used, 2);
  s.expert_ffn = pick(wanted.expert_ffn, row.expert_ffn, 256);
  s.tied = wanted.tied >= 0 ? wanted.tied : row.tied >= 0 ? row.tied : 1;
  return s;
}

Status Check(const ModelShape& s) {
  for (const uint64_t n : {s.layers, s.width, s.heads, s.kv_heads, s.head_dim, s.ffn, s.context}) {
    if (n == 0 || n > uint64_t{1} << 24) return Invalid("Sizes are from 1 to 16777216.");
  }
  if (s.head_dim % 2 != 0) return Invalid("Heads must have an even number of values.");
  if (s.heads % s.kv_heads != 0) return Invalid("--heads must be a multiple of --kv-heads.");
  return Status::Ok();
}

constexpr uint64_t kTinyVocabulary = 512;

/// Bytes, two control tokens and words that stand for nothing.
void SetTinyVocabulary(gguf::HeaderBuilder* header) {
  std::vector<std::string> tokens = ByteLetters();
  std::vector<int32_t> kinds(tokens.size(), 1);
  tokens.insert(tokens.end(), {"<|begin|>", "<|end|>"});
  kinds.insert(kinds.end(), {3, 3});
  while (tokens.size() < kTinyVocabulary) {
    tokens.push_back("word" + std::to_string(tokens.size()));
    kinds.push_back(1);
  }
  header->Set("tokenizer.ggml.model", std::string("gpt2"));
  header->Set("tokenizer.ggml.pre", std::string("gpt-2"));
  header->Set("tokenizer.ggml.tokens", tokens);
  header->Set("tokenizer.ggml.token_type", kinds);
  header->Set("tokenizer.ggml.merges", std::vector<std::string>{});
  header->Set("tokenizer.ggml.bos_token_id", uint32_t{256});
  header->Set("tokenizer.ggml.eos_token_id", uint32_t{257});
}

/// Sets the tokenizer's metadata and returns the size of the vocabulary.
Result<uint64_t> SetVocabulary(const std::string& from, gguf::HeaderBuilder* header) {
  if (from.empty()) {
    SetTinyVocabulary(header);
    return kTinyVocabulary;
  }
  const Result<std::shared_ptr<const gguf::File>> source = gguf::File::Open(from, {.map_data = false});
  if (!source.ok()) return source.status();
  const base::StringList* tokens = (*source)->Strings("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->empty()) return Invalid(from + ": no tokenizer.ggml.tokens.");
  for (const auto& [key, value] : (*source)->metadata()) {
    if (!key.starts_with("tokenizer.")) continue;
    Result<std::vector<uint8_t>> raw = (*source)->RawValue(key);
    if (!raw.ok()) return raw.status();
    header->SetRaw(key, std::move(*raw));
  }
  return static_cast<uint64_t>(tokens->size());
}

}  // namespace

Status WriteRandomModel(const std::string& path, const RandomModelSpec& spec) {
  const RandomModel* row = FindRandomModel(spec.model);
  if (row == nullptr) {
    std::string known;
    for (const RandomModel& model : RandomModels()) known += std::string(known.empty() ? "" : ", ") + model.name;
    return Invalid("There is no model " + spec.model + "; these are: " + known + ".");
  }
  const ModelShape shape = ShapeOf(spec.shape, row->shape);
  ZELL_RETURN_IF_ERROR(Check(shape));
  gguf::HeaderBuilder header;
  const Result<uint64_t> vocabulary = SetVocabulary(spec.vocab_from, &header);
  if (!vocabulary.ok()) return vocabulary.status();
  ModelMaker maker(row->arch, shape, *vocabulary);
  row->describe(maker);
  header.Set("general.file_type", convert::FileTypeOf(spec.type));
  header.Set("general.quantization_version", uint32_t{2});
  for (const auto& [key, value] : maker.metadata()) header.Set(key, value);
  const bool tied = shape.tied == 1;
  const auto type_of = [&](const RandomTensor& t) {
    if (!t.matrix) return TensorType::kF32;
    const std::string_view output = tied ? "token_embd.weight" : "output.weight";
    const TensorType type =
        spec.better_type ? TypeInMix(spec.type, *spec.better_type, t.name, output, shape.layers) : spec.type;
    return convert::TypeForRow(type, t.dims[0]);
  };
  for (const RandomTensor& t : maker.tensors()) ZELL_RETURN_IF_ERROR(header.AddTensor(t.name, type_of(t), t.dims));
  Result<gguf::FileWriter> writer = gguf::FileWriter::Create(path, header);
  if (!writer.ok()) return writer.status();

  Random random(spec.seed);
  std::vector<float> weights;
  std::vector<uint8_t> bytes;
  for (const RandomTensor& t : maker.tensors()) {
    const TensorType type = type_of(t);
    const size_t row_bytes = quant::RowBytes(quant::InfoOf(type), t.dims[0]);
    uint64_t rows = 1;
    for (size_t d = 1; d < t.dims.size(); ++d) rows *= t.dims[d];
    const uint64_t distinct = spec.distinct_rows == 0 ? rows : std::min(rows, spec.distinct_rows);
    weights.resize(t.dims[0]);
    bytes.resize(spec.distinct_rows == 0 ? row_bytes : row_bytes * distinct);
    for (uint64_t r = 0; r < rows; ++r) {
      uint8_t* const row = bytes.data() + (spec.distinct_rows == 0 ? 0 : r % distinct * row_bytes);
      if (r < distinct) {
        for (float& weight : weights) weight = t.mean + t.deviation * random.Normal();
        if (!t.values.empty()) weights = t.values;
        if (!quant::Quantize(type, weights.data(), row, weights.size())) {
          return {StatusCode::kUnsupported, "Nothing here writes this type."};
        }
      }
      ZELL_RETURN_IF_ERROR(writer->Append({row, row_bytes}));
    }
  }
  return writer->Commit();
}

}  // namespace zell::test
