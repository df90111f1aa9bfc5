// WordPiece (BERT): text is lower-cased and stripped of accents, cut at spaces and punctuation, and each word is the
// longest tokens from its front on, or unknown as a whole.
#include "tokenizer/byte_trie.h"
#include "tokenizer/char_reader.h"
#include "tokenizer/pieces.h"
#include "tokenizer/text_encoder.h"
#include "tokenizer/word_cache.h"

namespace zell::tokenizer::internal {
namespace {

/// The blocks of ideographs, each of which is a word, as BERT's tokenizers list them (one starts late there).
bool IsIdeograph(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

class WpmEncoder final : public TextEncoder {
 public:
  explicit WpmEncoder(const Vocabulary& vocabulary)
      : unknown_(vocabulary.spec.unknown),
        lowercase_(vocabulary.spec.lowercase.value_or(true)),
        strip_accents_(vocabulary.spec.strip_accents.value_or(true)) {
    const VocabularySpec& spec = vocabulary.spec;
    std::vector<ByteTrie::Entry> entries;
    for (size_t i = 0; i < spec.tokens.size(); ++i) {
      if (!NeedsParseSpecial(spec.kinds[i])) entries.push_back({spec.tokens[i], static_cast<Token>(i)});
    }
    trie_ = ByteTrie(std::move(entries));
  }

  std::unique_ptr<Session> NewSession(size_t text_bytes) const override {
    return std::make_unique<WpmSession>(*this, text_bytes);
  }

 private:
  class WpmSession final : public Session {
   public:
    WpmSession(const WpmEncoder& encoder, size_t text_bytes) : encoder_(encoder), cache_(text_bytes) {}

    void Encode(std::string_view text, bool, std::vector<Token>* tokens) override {
      const CharReader reader(text);
      word_ = kSpaceMark;
      for (size_t pos = 0; pos < text.size();) {
        Char c = reader.At(pos);
        pos += c.length;
        if (c.code_point >= 0x80 && encoder_.strip_accents_) {
          if (const uint32_t base = BaseOf(c.code_point); base != c.code_point) {
            c = {base, base < 0x80 ? kAsciiClasses[base] : ClassOf(base), 0};
          }
        }
        if (c.char_class == CharClass::kSpace) {
          FinishWord(tokens);
          continue;
        }
        if (c.code_point == kReplacement || c.char_class == CharClass::kControl) continue;
        if (c.char_class == CharClass::kMark && encoder_.strip_accents_) continue;
        const bool alone = c.char_class == CharClass::kPunctuation ||
                           (c.char_class == CharClass::kSymbol && c.code_point < 0x7F) || IsIdeograph(c.code_point);
        if (alone) FinishWord(tokens);
        AppendUtf8(encoder_.lowercase_ ? LowerOf(c.code_point) : c.code_point, &word_);
        if (alone) FinishWord(tokens);
      }
      FinishWord(tokens);
    }

   private:
    void FinishWord(std::vector<Token>* tokens) {
      if (word_.size() == kSpaceMark.size()) return;
      cache_.Append(word_, tokens, [&] {
        const size_t before = tokens->size();
        for (std::string_view rest = word_; !rest.empty();) {
          const ByteTrie::Match match = encoder_.trie_.Longest(rest);
          if (match.token < 0) {
            tokens->resize(before);
            break;
          }
          tokens->push_back(match.token);
          rest.remove_prefix(match.length);
        }
        if (tokens->size() == before && encoder_.unknown_ >= 0) tokens->push_back(encoder_.unknown_);
        return true;
      });
      word_.resize(kSpaceMark.size());
    }

    const WpmEncoder& encoder_;
    WordCache<3> cache_;
    std::string word_;  ///< the word so far behind the mark of a word's start
  };

  ByteTrie trie_;
  const Token unknown_;
  const bool lowercase_, strip_accents_;
};

}  // namespace

base::Result<std::unique_ptr<TextEncoder>> MakeWpmEncoder(const Vocabulary& vocabulary) {
  return std::unique_ptr<TextEncoder>(std::make_unique<WpmEncoder>(vocabulary));
}

}  // namespace zell::tokenizer::internal
