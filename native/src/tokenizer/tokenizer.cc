// Special tokens first, then the encoder of the vocabulary's model on what stands between them.
#include "tokenizer/tokenizer.h"

#include "tokenizer/pieces.h"
#include "tokenizer/special_splitter.h"
#include "tokenizer/strip_rules.h"
#include "tokenizer/text_encoder.h"
#include "tokenizer/vocabulary.h"

namespace zell::tokenizer {
namespace {

using internal::Fragment;
using internal::SpecialSplitter;
using internal::TextEncoder;
using internal::Vocabulary;

/// Offsets inside a fragment are 32 bits wide, and escaping may triple it; a longer text is cut here, which only then
/// may move a word's border.
constexpr size_t kMaxFragmentBytes = size_t{1} << 30;

SpecialSplitter MakeSpecialSplitter(const VocabularySpec& spec) {
  std::vector<SpecialSplitter::Entry> entries;
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    if (!internal::IsSearchedFor(spec.kinds[i])) continue;
    const internal::StripRule strip = internal::StripRuleOf(spec, i);
    entries.push_back(
        {spec.tokens[i], static_cast<Token>(i), internal::NeedsParseSpecial(spec.kinds[i]), strip.left, strip.right});
  }
  return SpecialSplitter(std::move(entries));
}

class TokenizerImpl final : public Tokenizer {
 public:
  static base::Result<std::unique_ptr<Tokenizer>> Create(Vocabulary vocabulary) {
    auto made = std::make_unique<TokenizerImpl>(std::move(vocabulary));
    base::Result<std::unique_ptr<TextEncoder>> encoder = internal::MakeTextEncoder(made->vocabulary_);
    if (!encoder.ok()) return encoder.status();
    made->encoder_ = std::move(*encoder);
    made->vocabulary_.spec.merges.clear();
    return std::unique_ptr<Tokenizer>(std::move(made));
  }
  explicit TokenizerImpl(Vocabulary vocabulary)
      : vocabulary_(std::move(vocabulary)), specials_(MakeSpecialSplitter(vocabulary_.spec)) {}

  std::vector<Token> Encode(std::string_view text, bool parse_special) const override {
    std::vector<Token> tokens;
    tokens.reserve(text.size() / 4 + 4);
    const std::unique_ptr<TextEncoder::Session> session = encoder_->NewSession(text.size());
    bool at_start = true;
    for (const Fragment& fragment : specials_.Split(text, parse_special)) {
      if (fragment.token >= 0) {
        tokens.push_back(fragment.token);
        at_start = true;
        continue;
      }
      for (size_t done = 0; done < fragment.text.size(); done += kMaxFragmentBytes) {
        session->Encode(fragment.text.substr(done, kMaxFragmentBytes), at_start, &tokens);
        at_start = false;
      }
    }
    return tokens;
  }

  std::string Piece(Token token, bool special) const override {
    if (token < 0 || static_cast<size_t>(token) >= size()) return {};
    const auto i = static_cast<size_t>(token);
    if (!special && internal::NeedsParseSpecial(vocabulary_.spec.kinds[i])) return {};
    return internal::PieceOf(vocabulary_, i);
  }

  size_t size() const override { return vocabulary_.spec.tokens.size(); }
  bool IsControl(Token token) const override {
    return token >= 0 && static_cast<size_t>(token) < size() &&
           vocabulary_.spec.kinds[static_cast<size_t>(token)] == TokenKind::kControl;
  }
  std::span<const Token> EndOfGeneration() const override { return vocabulary_.end_of_generation; }
  const VocabularySpec& spec() const override { return vocabulary_.spec; }

 private:
  Vocabulary vocabulary_;  ///< constant after Create
  const SpecialSplitter specials_;
  std::unique_ptr<const TextEncoder> encoder_;
};

}  // namespace

base::Result<std::unique_ptr<Tokenizer>> Tokenizer::Create(VocabularySpec spec) {
  base::Result<Vocabulary> vocabulary = internal::CheckVocabulary(std::move(spec));
  if (!vocabulary.ok()) return vocabulary.status();
  return TokenizerImpl::Create(std::move(*vocabulary));
}

}  // namespace zell::tokenizer
