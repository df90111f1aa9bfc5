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
    spec.kinds.reserve(kinds.size());
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
      {"seperator_token_id", &spec.separator},
      {"mask_token_id", &spec.mask},
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

base::Status ReadScores(const gguf::File& file, tokenizer::VocabularySpec& spec) {
  const gguf::Value* value = file.Find("tokenizer.ggml.scores");
  if (value == nullptr) return base::Status::Ok();
  const auto copy = [&](const auto& scores) {
    spec.scores.reserve(scores.size());
    for (const auto score : scores) spec.scores.push_back(static_cast<float>(score));
    return base::Status::Ok();
  };
  if (const auto* scores = std::get_if<std::vector<double>>(value)) return copy(*scores);
  if (const auto* scores = std::get_if<std::vector<int64_t>>(value)) return copy(*scores);
  return Bad("scores", "is not an array of numbers");
}

base::Status ReadCharsmap(const gguf::File& file, tokenizer::VocabularySpec& spec) {
  const gguf::Value* value = file.Find("tokenizer.ggml.precompiled_charsmap");
  if (value == nullptr) return base::Status::Ok();
  const auto copy = [&](const auto& bytes) {
    spec.charsmap.reserve(bytes.size());
    for (const auto byte : bytes) spec.charsmap.push_back(static_cast<char>(byte));
    return base::Status::Ok();
  };
  if (const auto* bytes = std::get_if<std::vector<uint64_t>>(value)) return copy(*bytes);
  if (const auto* bytes = std::get_if<std::vector<int64_t>>(value)) return copy(*bytes);
  return Bad("precompiled_charsmap", "is not an array of bytes");
}

void ReadFlags(const gguf::File& file, tokenizer::VocabularySpec& spec) {
  const auto flag = [&](const char* name) { return file.Bool(kPrefix + std::string(name)); };
  const std::optional<bool> add_bos = flag("add_bos_token"), add_eos = flag("add_eos_token");
  spec.has_add_bos = add_bos.has_value();
  spec.add_bos = add_bos.value_or(false);
  spec.has_add_eos = add_eos.has_value();
  spec.add_eos = add_eos.value_or(false);
  spec.add_separator = flag("add_sep_token");
  spec.add_space_prefix = flag("add_space_prefix");
  spec.remove_extra_spaces = flag("remove_extra_whitespaces");
  spec.lowercase = flag("normalizer.lowercase");
  spec.strip_accents = flag("normalizer.strip_accents");
}

}  // namespace

base::Result<tokenizer::VocabularySpec> ReadVocabulary(const gguf::File& file) {
  tokenizer::VocabularySpec spec;
  const std::optional<std::string_view> model = file.Str("tokenizer.ggml.model");
  if (!model) return Bad("model", "is missing");
  spec.model = *model;
  spec.pre = file.Str("tokenizer.ggml.pre").value_or("");
  spec.name = file.Str("general.name").value_or("");
  spec.architecture = file.Str("general.architecture").value_or("");
  const base::StringList* tokens = file.Strings("tokenizer.ggml.tokens");
  if (tokens == nullptr) return Bad("tokens", "is missing");
  if (tokens->size() > (size_t{1} << 24)) return Bad("tokens", "has more entries than any vocabulary");
  spec.tokens = *tokens;
  ZELL_RETURN_IF_ERROR(ReadScores(file, spec));
  ZELL_RETURN_IF_ERROR(ReadCharsmap(file, spec));
  ZELL_RETURN_IF_ERROR(ReadKinds(file, spec));
  if (const base::StringList* merges = file.Strings("tokenizer.ggml.merges"); merges != nullptr) {
    spec.merges = *merges;
  }
  ZELL_RETURN_IF_ERROR(ReadIds(file, spec));
  ReadFlags(file, spec);
  return spec;
}

}  // namespace zell::model
