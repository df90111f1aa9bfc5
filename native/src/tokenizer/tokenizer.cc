// The tokenizer of byte-level BPE vocabularies: special tokens, then words, then merges.
#include "tokenizer/tokenizer.h"

#include "tokenizer/pieces.h"
#include "tokenizer/special_splitter.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_encoder.h"

namespace zell::tokenizer {
namespace {

using internal::Fragment;
using internal::Pieces;
using internal::SpecialSplitter;
using internal::Vocabulary;
using internal::WordEncoder;
using internal::WordMerger;

/// Offsets inside a fragment are 32 bits wide; a longer text is cut here, which only then may move a word's border.
constexpr size_t kMaxFragmentBytes = size_t{1} << 31;

SpecialSplitter MakeSpecialSplitter(const VocabularySpec& spec) {
  std::vector<SpecialSplitter::Entry> entries;
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    if (!internal::IsSearchedFor(spec.kinds[i])) continue;
    entries.push_back({spec.tokens[i], static_cast<Token>(i), internal::NeedsParseSpecial(spec.kinds[i])});
  }
  return SpecialSplitter(std::move(entries));
}

class ByteLevelTokenizer final : public Tokenizer {
 public:
  explicit ByteLevelTokenizer(Vocabulary vocabulary)
      : vocabulary_(std::move(vocabulary)),
        pieces_(vocabulary_.spec),
        specials_(MakeSpecialSplitter(vocabulary_.spec)),
        words_(vocabulary_) {}

  std::vector<Token> Encode(std::string_view text, bool parse_special) const override {
    std::vector<Token> tokens;
    tokens.reserve(text.size() / 4 + 4);
    WordMerger merger = words_.NewMerger();
    std::vector<uint32_t> ends;
    for (const Fragment& fragment : specials_.Split(text, parse_special)) {
      if (fragment.token >= 0) {
        tokens.push_back(fragment.token);
        continue;
      }
      for (size_t done = 0; done < fragment.text.size(); done += kMaxFragmentBytes) {
        EncodePlain(fragment.text.substr(done, kMaxFragmentBytes), &merger, &ends, &tokens);
      }
    }
    return tokens;
  }

  std::string Piece(Token token, bool special) const override {
    if (token < 0 || static_cast<size_t>(token) >= size()) return {};
    const auto i = static_cast<size_t>(token);
    if (!special && internal::NeedsParseSpecial(vocabulary_.spec.kinds[i])) return {};
    return std::string(pieces_[i]);
  }

  size_t size() const override { return vocabulary_.spec.tokens.size(); }
  bool IsControl(Token token) const override {
    return token >= 0 && static_cast<size_t>(token) < size() &&
           vocabulary_.spec.kinds[static_cast<size_t>(token)] == TokenKind::kControl;
  }
  std::span<const Token> EndOfGeneration() const override { return vocabulary_.end_of_generation; }
  const VocabularySpec& spec() const override { return vocabulary_.spec; }

 private:
  void EncodePlain(std::string_view text, WordMerger* merger, std::vector<uint32_t>* ends,
                   std::vector<Token>* tokens) const {
    ends->clear();
    vocabulary_.pretokenizer->split(text, ends);
    uint32_t begin = 0;
    for (const uint32_t end : *ends) {
      words_.Encode(text.substr(begin, end - begin), merger, tokens);
      begin = end;
    }
  }

  const Vocabulary vocabulary_;
  const Pieces pieces_;
  const SpecialSplitter specials_;
  const WordEncoder words_;
};

}  // namespace

base::Result<std::unique_ptr<Tokenizer>> Tokenizer::Create(VocabularySpec spec) {
  base::Result<Vocabulary> vocabulary = internal::CheckVocabulary(std::move(spec));
  if (!vocabulary.ok()) return vocabulary.status();
  return std::unique_ptr<Tokenizer>(std::make_unique<ByteLevelTokenizer>(std::move(*vocabulary)));
}

}  // namespace zell::tokenizer
