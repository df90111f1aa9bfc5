// Byte-pair encoding: words of a pre-tokenizer, then merges by rank.
#include <algorithm>

#include "tokenizer/pieces.h"
#include "tokenizer/text_encoder.h"
#include "tokenizer/unicode.h"
#include "tokenizer/word_cache.h"
#include "tokenizer/word_encoder.h"

namespace zell::tokenizer::internal {
namespace {

class BpeEncoder final : public TextEncoder {
 public:
  explicit BpeEncoder(const Vocabulary& vocabulary)
      : pretokenizer_(*vocabulary.pretokenizer),
        words_(vocabulary),
        drops_space_(vocabulary.spec.model == "whitespace"),
        lowercase_(vocabulary.spec.lowercase.value_or(false)) {}

  std::unique_ptr<Session> NewSession(size_t text_bytes) const override {
    return std::make_unique<BpeSession>(*this, text_bytes);
  }

 private:
  class BpeSession final : public Session {
   public:
    BpeSession(const BpeEncoder& encoder, size_t text_bytes)
        : encoder_(encoder), scratch_(encoder.words_.NewScratch()), cache_(text_bytes) {}

    void Encode(std::string_view text, bool, std::vector<Token>* tokens) override {
      if (encoder_.drops_space_) {
        EncodeBetweenSpaces(text, tokens);
      } else if (encoder_.pretokenizer_.spelling == Spelling::kEscapedSpaces) {
        escaped_.clear();
        AppendReplaced(text, " ", kSpaceMark, &escaped_);
        EncodeWords(escaped_, tokens);
      } else {
        EncodeWords(text, tokens);
      }
    }

   private:
    void EncodeWords(std::string_view text, std::vector<Token>* tokens) {
      encoder_.pretokenizer_.Split(text, &ends_, &split_scratch_);
      size_t begin = 0;
      for (const uint32_t end : ends_) {
        const std::string_view word = text.substr(begin, end - begin);
        begin = end;
        if (encoder_.pretokenizer_.spelling == Spelling::kEscapedSpaces) {
          EncodeLine(word, tokens);
        } else {
          EncodeWord(word, tokens);
        }
      }
    }

    /// Where no merge reaches across the start of a space, the line falls into words that know nothing of each other.
    void EncodeLine(std::string_view line, std::vector<Token>* tokens) {
      if (line[0] == '\n' && encoder_.pretokenizer_.ignore_merges_of_lines) {
        if (const Token whole = encoder_.words_.Find(line); whole >= 0) return tokens->push_back(whole);
      }
      size_t begin = 0;
      for (size_t at = line.find(kSpaceMark, 1); at != std::string_view::npos; at = line.find(kSpaceMark, at + 1)) {
        if (encoder_.words_.JoinsBeforeSpace(static_cast<uint8_t>(line[at - 1]))) continue;
        EncodeWord(line.substr(begin, at - begin), tokens);
        begin = at;
      }
      EncodeWord(line.substr(begin), tokens);
    }

    void EncodeWord(std::string_view word, std::vector<Token>* tokens) {
      cache_.Append(word, tokens, [&] {
        encoder_.words_.Encode(word, &scratch_, tokens);
        return true;
      });
    }

    void EncodeBetweenSpaces(std::string_view text, std::vector<Token>* tokens) {
      const auto flush = [&] {
        if (!escaped_.empty()) EncodeWords(escaped_, tokens);
        escaped_.clear();
      };
      escaped_.clear();
      for (size_t pos = 0; pos < text.size();) {
        const Utf8Char c = DecodeUtf8(text, pos);
        if (c.valid && ClassOf(c.code_point) == CharClass::kSpace) {
          flush();
        } else if (c.valid && encoder_.lowercase_) {
          AppendUtf8(LowerOf(c.code_point), &escaped_);
        } else {
          escaped_.append(text.substr(pos, c.length));
        }
        pos += c.length;
      }
      flush();
    }

    const BpeEncoder& encoder_;
    WordEncoder::Scratch scratch_;
    WordCache<3> cache_;
    std::vector<uint32_t> ends_, split_scratch_;
    std::string escaped_;
  };

  const Pretokenizer& pretokenizer_;
  const WordEncoder words_;
  const bool drops_space_;
  const bool lowercase_;
};

}  // namespace

base::Result<std::unique_ptr<TextEncoder>> MakeBpeEncoder(const Vocabulary& vocabulary) {
  return std::unique_ptr<TextEncoder>(std::make_unique<BpeEncoder>(vocabulary));
}

}  // namespace zell::tokenizer::internal
