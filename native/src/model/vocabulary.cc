#include "model/vocabulary.h"

#include <limits>
#include <string>

namespace zell::model {
namespace {

using tokenizer::Token;

constexpr char kPrefix[] = "tokenizer.ggml.";

base::Status Bad(const std::string& key, const char* what) {
  return {base::StatusCode::kBadModelFile, kPrefix + key + " " + what};
}

// An id, or -1 when absent. All ones means "none" in some files.
base::Result<Token> Id(const gguf::File& file, const char* name, size_t n_tokens) {
  const std::string key = kPrefix + std::string(name);
  if (file.Find(key) == nullptr) return Token{-1};
  if (const std::optional<int64_t> negative = file.I64(key); negative && *negative < 0) return Token{-1};
  const std::optional<uint64_t> value = file.U64(key);
  if (!value) return Bad(name, "is not one whole number");
  if (*value == std::numeric_limits<uint32_t>::max()) return Token{-1};
  if (*value >= n_tokens) return Bad(name, "lies outside the vocabulary");
  return static_cast<Token>(*value);
}

base::Status ReadKinds(const gguf::File& file, tokenizer::VocabularySpec& spec) {
  const gguf::Value* value = file.Find("tokenizer.ggml.token_type");
  if (value == nullptr) return base::Status::Ok();
  const auto copy = [&](const auto& kinds) {
    for (const auto kind : kinds) {
      const bool known = kind >= 0 && kind <= 6;
      spec.kinds.push_back(known ? static_cast<tokenizer::TokenKind>(kind) : tokenizer::TokenKind::kUndefined);
    }
    return base::Status::Ok();
  };
  if (const auto* kinds = std::get_if<std::vector<int64_t>>(value)) return copy(*kinds);
  if (const auto* kinds = std::get_if<std::vector<uint64_t>>(value)) return copy(*kinds);
  return Bad("token_type", "is not an array of whole numbers");
}

base::Status ReadIds(const gguf::File& file, tokenizer::VocabularySpec& spec) {
  const struct {
    const char* name;
    Token* id;
  } ids[] = {
      {"bos_token_id", &spec.bos},
      {"eos_token_id", &spec.eos},
      {"eot_token_id", &spec.eot},
      {"eom_token_id", &spec.eom},
      {"unknown_token_id", &spec.unknown},
      {"padding_token_id", &spec.padding},
      {"prefix_token_id", &spec.fim_prefix},
      {"suffix_token_id", &spec.fim_suffix},
      {"middle_token_id", &spec.fim_middle},
      {"fim_pre_token_id", &spec.fim_prefix},
      {"fim_suf_token_id", &spec.fim_suffix},
      {"fim_mid_token_id", &spec.fim_middle},
      {"fim_pad_token_id", &spec.fim_pad},
      {"fim_rep_token_id", &spec.fim_repo},
      {"fim_sep_token_id", &spec.fim_separator},
  };
  for (const auto& [name, id] : ids) {
    base::Result<Token> value = Id(file, name, spec.tokens.size());
    if (!value.ok()) return value.status();
    if (*value >= 0) *id = *value;  // of an old and a new name the present one counts
  }
  return base::Status::Ok();
}

}  // namespace

base::Result<tokenizer::VocabularySpec> ReadVocabulary(const gguf::File& file) {
  tokenizer::VocabularySpec spec;
  const std::optional<std::string_view> model = file.Str("tokenizer.ggml.model");
  if (!model) return Bad("model", "is missing");
  spec.model = *model;
  spec.pre = file.Str("tokenizer.ggml.pre").value_or("");
  const std::vector<std::string>* tokens = file.Strings("tokenizer.ggml.tokens");
  if (tokens == nullptr) return Bad("tokens", "is missing");
  if (tokens->size() > (size_t{1} << 24)) return Bad("tokens", "has more entries than any vocabulary");
  spec.tokens = *tokens;
  if (const gguf::Value* scores = file.Find("tokenizer.ggml.scores"); scores != nullptr) {
    const auto* values = std::get_if<std::vector<double>>(scores);
    if (values == nullptr) return Bad("scores", "is not an array of numbers");
    spec.scores.assign(values->begin(), values->end());
  }
  ZELL_RETURN_IF_ERROR(ReadKinds(file, spec));
  if (const std::vector<std::string>* merges = file.Strings("tokenizer.ggml.merges"); merges != nullptr) {
    spec.merges = *merges;
  }
  ZELL_RETURN_IF_ERROR(ReadIds(file, spec));
  const std::optional<bool> add_bos = file.Bool("tokenizer.ggml.add_bos_token");
  spec.has_add_bos = add_bos.has_value();
  spec.add_bos = add_bos.value_or(false);
  spec.add_eos = file.Bool("tokenizer.ggml.add_eos_token").value_or(false);
  return spec;
}

}  // namespace zell::model
