// Validation, then defaults: known special tokens by their texts, the end-of-generation set, add_bos.
#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_map>

#include "tokenizer/known_texts.h"

namespace zell::tokenizer::internal {
namespace {

using base::Status;
using base::StatusCode;

/// The first token of each known text. Asking a few hundred texts about every token is cheaper than a table of all
/// tokens.
class TokenOfText {
 public:
  TokenOfText(const VocabularySpec& spec, const Pretokenizer* pretokenizer) {
    const KnownTexts& known = GetKnownTexts();
    for (const auto texts : {known.eot, known.eom, known.fim_prefix, known.fim_suffix, known.fim_middle, known.fim_pad,
                             known.fim_repo, known.fim_separator, known.end_of_generation, kDialects}) {
      for (const std::string_view text : texts) Want(text);
    }
    if (pretokenizer != nullptr) Want(pretokenizer->bos_text), Want(pretokenizer->eos_text);
    for (size_t i = 0; i < spec.tokens.size(); ++i) {
      const std::string_view text = spec.tokens[i];
      if (text.size() >= lengths_.size() || !lengths_[text.size()] || !starts_[static_cast<uint8_t>(text[0])]) continue;
      const auto it = tokens_.find(text);
      if (it != tokens_.end() && it->second < 0) it->second = static_cast<Token>(i);
    }
  }

  /// -1 when there is none. Only for texts of the known lists.
  Token Find(std::string_view text) const {
    const auto it = tokens_.find(text);
    return it == tokens_.end() ? -1 : it->second;
  }
  bool Has(std::string_view text) const { return Find(text) >= 0; }

 private:
  static constexpr std::string_view kDialectTexts[] = {"<|return|>", "<|call|>", "<|calls|>", "<|flush|>",
                                                       "<|tool_response>"};
  static constexpr std::span<const std::string_view> kDialects = kDialectTexts;

  void Want(std::string_view text) {
    if (text.empty() || text.size() >= lengths_.size()) return;  // none is longer
    lengths_[text.size()] = starts_[static_cast<uint8_t>(text[0])] = true;
    tokens_.try_emplace(text, -1);
  }

  std::unordered_map<std::string_view, Token> tokens_;
  std::array<bool, 64> lengths_{};  ///< of the texts wanted
  std::array<bool, 256> starts_{};  ///< their first bytes
};

Status Bad(std::string message) { return {StatusCode::kBadModelFile, "vocabulary: " + std::move(message)}; }

/// The optional ids of a spec with their names, in the spelling of the metadata keys.
struct NamedId {
  const char* name;
  Token VocabularySpec::*id;
};
constexpr NamedId kIds[] = {
    {"bos", &VocabularySpec::bos},
    {"eos", &VocabularySpec::eos},
    {"eot", &VocabularySpec::eot},
    {"eom", &VocabularySpec::eom},
    {"unknown", &VocabularySpec::unknown},
    {"padding", &VocabularySpec::padding},
    {"seperator", &VocabularySpec::separator},
    {"mask", &VocabularySpec::mask},
    {"fim_pre", &VocabularySpec::fim_prefix},
    {"fim_suf", &VocabularySpec::fim_suffix},
    {"fim_mid", &VocabularySpec::fim_middle},
    {"fim_pad", &VocabularySpec::fim_pad},
    {"fim_rep", &VocabularySpec::fim_repo},
    {"fim_sep", &VocabularySpec::fim_separator},
};

Status CheckCounts(const VocabularySpec& spec) {
  const size_t n = spec.tokens.size();
  if (n == 0) return Bad("no tokens");
  if (n > kMaxTokens) return Bad(std::to_string(n) + " tokens, at most " + std::to_string(kMaxTokens));
  if (spec.merges.size() > kMaxMerges) {
    return Bad(std::to_string(spec.merges.size()) + " merges, at most " + std::to_string(kMaxMerges));
  }
  if (!spec.kinds.empty() && spec.kinds.size() != n) {
    return Bad(std::to_string(spec.kinds.size()) + " token types for " + std::to_string(n) + " tokens");
  }
  if (!spec.scores.empty() && spec.scores.size() != n) {
    return Bad(std::to_string(spec.scores.size()) + " scores for " + std::to_string(n) + " tokens");
  }
  for (const NamedId& named : kIds) {
    const Token id = spec.*named.id;
    if (id < -1 || (id >= 0 && static_cast<size_t>(id) >= n)) {
      return Bad(std::string(named.name) + " token " + std::to_string(id) + " is outside of " + std::to_string(n));
    }
  }
  return Status::Ok();
}

Status CheckTokens(const VocabularySpec& spec, Algorithm algorithm) {
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    const size_t bytes = spec.tokens[i].size();
    const TokenKind kind = spec.kinds[i];
    if (kind < TokenKind::kUndefined || kind > TokenKind::kByte) {
      return Bad("token " + std::to_string(i) + " has type " + std::to_string(static_cast<int32_t>(kind)));
    }
    const bool searched_for = IsSearchedFor(kind) || algorithm != Algorithm::kBpe;
    const size_t limit = searched_for ? kMaxSpecialBytes : kMaxTokenBytes;
    if (bytes > limit) {
      return Bad("token " + std::to_string(i) + " has " + std::to_string(bytes) + " bytes, at most " +
                 std::to_string(limit));
    }
  }
  return Status::Ok();
}

/// A merge is two spellings and the space between them. Its sides may be anything: what is no spelling never matches.
Status CheckMerges(const VocabularySpec& spec) {
  for (size_t i = 0; i < spec.merges.size(); ++i) {
    const std::string_view merge = spec.merges[i];
    const size_t space = merge.find(' ', 1);
    if (space == std::string_view::npos || space + 1 == merge.size() || merge.size() > 2 * kMaxTokenBytes) {
      return Bad("merge " + std::to_string(i) + " is malformed");
    }
  }
  return Status::Ok();
}

/// Fills `*id` when the file did not name it. What looks like a control token is one, whatever the file says.
void FindByText(VocabularySpec* spec, const TokenOfText& tokens, std::span<const std::string_view> texts, Token* id) {
  if (*id >= 0) return;
  for (const std::string_view text : texts) {
    const Token token = tokens.Find(text);
    if (token < 0) continue;
    *id = token;
    spec->kinds[static_cast<size_t>(*id)] = TokenKind::kControl;
    return;
  }
}

std::vector<Token> FindEndOfGeneration(VocabularySpec* spec, const TokenOfText& tokens) {
  std::vector<Token> ends;
  // Tool dialects where <|end|> only closes a message, and where </s> is ordinary.
  const bool harmony = (tokens.Has("<|return|>") && (tokens.Has("<|call|>") || tokens.Has("<|calls|>"))) ||
                       (tokens.Has("<|flush|>") && (tokens.Has("<|call|>") || tokens.Has("<|calls|>")));
  const bool tool_response = tokens.Has("<|tool_response>");
  const auto excluded = [&](std::string_view text) {
    return (harmony && text == "<|end|>") || (tool_response && text == "</s>");
  };
  for (const std::string_view text : GetKnownTexts().end_of_generation) {
    const Token token = tokens.Find(text);
    if (token < 0 || excluded(text)) continue;
    ends.push_back(token);
    spec->kinds[static_cast<size_t>(token)] = TokenKind::kControl;
  }
  for (const Token id : {spec->eos, spec->eot, spec->eom, spec->fim_pad, spec->fim_repo, spec->fim_separator}) {
    if (id >= 0 && !excluded(spec->tokens[static_cast<size_t>(id)])) ends.push_back(id);
  }
  std::sort(ends.begin(), ends.end());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());
  return ends;
}

void FillIn(Vocabulary* vocabulary) {
  VocabularySpec& spec = vocabulary->spec;
  const TokenOfText tokens(spec, vocabulary->pretokenizer);
  const KnownTexts& known = GetKnownTexts();
  if (vocabulary->pretokenizer != nullptr) {
    FindByText(&spec, tokens, {&vocabulary->pretokenizer->bos_text, 1}, &spec.bos);
    FindByText(&spec, tokens, {&vocabulary->pretokenizer->eos_text, 1}, &spec.eos);
  }
  FindByText(&spec, tokens, known.eot, &spec.eot);
  FindByText(&spec, tokens, known.eom, &spec.eom);
  FindByText(&spec, tokens, known.fim_prefix, &spec.fim_prefix);
  FindByText(&spec, tokens, known.fim_suffix, &spec.fim_suffix);
  FindByText(&spec, tokens, known.fim_middle, &spec.fim_middle);
  FindByText(&spec, tokens, known.fim_pad, &spec.fim_pad);
  FindByText(&spec, tokens, known.fim_repo, &spec.fim_repo);
  FindByText(&spec, tokens, known.fim_separator, &spec.fim_separator);
  vocabulary->end_of_generation = FindEndOfGeneration(&spec, tokens);
  if (spec.bos < 0) spec.add_bos = false;
  if (spec.eos < 0) spec.add_eos = false;
  if (spec.separator < 0) spec.add_separator = false;
}

/// What a tokenizer model implies when the file does not say. BPE has it from the pre-tokenizer.
struct Family {
  const char* model;
  Algorithm algorithm;
  Token bos = -1, eos = -1, unknown = -1, separator = -1, padding = -1, mask = -1;
  bool add_bos = false, add_eos = false, add_separator = false, add_space_prefix = false, clean_spaces = false;
};
constexpr Family kFamilies[] = {
    {.model = "gpt2", .algorithm = Algorithm::kBpe},
    {.model = "gemma4", .algorithm = Algorithm::kBpe},
    {.model = "whitespace", .algorithm = Algorithm::kBpe},
    {.model = "llama",
     .algorithm = Algorithm::kSpm,
     .bos = 1,
     .eos = 2,
     .unknown = 0,
     .add_bos = true,
     .add_space_prefix = true},
    {.model = "bert",
     .algorithm = Algorithm::kWpm,
     .bos = 101,
     .unknown = 100,
     .separator = 102,
     .padding = 0,
     .mask = 103,
     .add_bos = true,
     .add_separator = true,
     .clean_spaces = true},
    {.model = "t5", .algorithm = Algorithm::kUgm, .eos = 1, .unknown = 2, .padding = 0, .add_eos = true},
    {.model = "rwkv", .algorithm = Algorithm::kRwkv},
    {.model = "plamo2", .algorithm = Algorithm::kPlamo2, .bos = 1, .eos = 2, .unknown = 0, .padding = 3},
};

const Family* FindFamily(std::string_view model) {
  for (const Family& family : kFamilies) {
    if (family.model == model) return &family;
  }
  return nullptr;
}

/// Ids and flags that the file leaves open. An id outside of the vocabulary is none.
void FillInFamily(const Family& family, const Pretokenizer* pre, VocabularySpec* spec) {
  const auto id = [&](Token value, Token* target) {
    if (*target < 0 && value >= 0 && static_cast<size_t>(value) < spec->tokens.size()) *target = value;
  };
  id(family.bos, &spec->bos);
  id(family.eos, &spec->eos);
  id(family.unknown, &spec->unknown);
  id(family.separator, &spec->separator);
  id(family.padding, &spec->padding);
  id(family.mask, &spec->mask);
  const bool has_pre = pre != nullptr;
  if (!spec->has_add_bos) spec->add_bos = has_pre ? pre->add_bos : family.add_bos;
  if (has_pre && pre->always_add_bos) spec->add_bos = true;
  if (!spec->has_add_eos) spec->add_eos = family.add_eos;
  const auto flag = [](std::optional<bool>* value, bool otherwise) { *value = value->value_or(otherwise); };
  flag(&spec->add_separator, has_pre ? pre->add_separator : family.add_separator);
  flag(&spec->add_space_prefix, family.add_space_prefix);
  flag(&spec->remove_extra_spaces, false);
  flag(&spec->lowercase, !has_pre);
  flag(&spec->strip_accents, *spec->lowercase);
  spec->clean_spaces = has_pre ? pre->clean_spaces : family.clean_spaces;
}

void NameEmptyTokens(base::StringList* tokens) {
  if (std::none_of(tokens->begin(), tokens->end(), [](std::string_view text) { return text.empty(); })) return;
  base::StringList named;
  for (size_t i = 0; i < tokens->size(); ++i) {
    const std::string_view text = (*tokens)[i];
    named.push_back(text.empty() ? "[EMPTY_" + std::to_string(i) + "]" : std::string(text));
  }
  *tokens = std::move(named);
}

}  // namespace

bool NeedsParseSpecial(TokenKind kind) { return kind == TokenKind::kControl || kind == TokenKind::kUnknown; }
bool IsSearchedFor(TokenKind kind) { return NeedsParseSpecial(kind) || kind == TokenKind::kUserDefined; }

base::Result<Vocabulary> CheckVocabulary(VocabularySpec spec) {
  const Family* family = FindFamily(spec.model);
  if (family == nullptr) return Status{StatusCode::kUnsupportedModel, "tokenizer model '" + spec.model + "'"};
  const Pretokenizer* pretokenizer = nullptr;
  if (family->algorithm == Algorithm::kBpe) {
    pretokenizer = FindPretokenizer(spec.model == "gemma4" ? "gemma4" : spec.pre);
    if (pretokenizer == nullptr) return Status{StatusCode::kUnsupportedModel, "pre-tokenizer '" + spec.pre + "'"};
  }
  ZELL_RETURN_IF_ERROR(CheckCounts(spec));
  if (spec.kinds.empty()) spec.kinds.assign(spec.tokens.size(), TokenKind::kNormal);
  ZELL_RETURN_IF_ERROR(CheckTokens(spec, family->algorithm));
  ZELL_RETURN_IF_ERROR(CheckMerges(spec));
  NameEmptyTokens(&spec.tokens);
  FillInFamily(*family, pretokenizer, &spec);
  Vocabulary vocabulary{std::move(spec), family->algorithm, pretokenizer, {}};
  FillIn(&vocabulary);
  return vocabulary;
}

}  // namespace zell::tokenizer::internal
