// PLaMo 2: the segmentation with the greatest sum of scores in ten-thousandths, bytes for characters without a token.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "tokenizer/byte_trie.h"
#include "tokenizer/pieces.h"
#include "tokenizer/text_encoder.h"
#include "tokenizer/unicode.h"

namespace zell::tokenizer::internal {
namespace {

/// What a character without a token scores; a token that scores twice as bad or worse is never used.
constexpr int64_t kUnknownScore = -10'000'000;
constexpr int64_t kInvalidScore = 2 * kUnknownScore;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

class Plamo2Encoder final : public TextEncoder {
 public:
  explicit Plamo2Encoder(const Vocabulary& vocabulary) : scores_(vocabulary.spec.tokens.size()) {
    const VocabularySpec& spec = vocabulary.spec;
    std::vector<ByteTrie::Entry> entries;
    byte_tokens_.fill(-1);
    for (size_t i = 0; i < spec.tokens.size(); ++i) {
      if (spec.kinds[i] == TokenKind::kByte) {
        if (const std::optional<char> byte = ParseByteToken(spec.tokens[i])) {
          byte_tokens_[static_cast<uint8_t>(*byte)] = static_cast<Token>(i);
        }
        continue;
      }
      if (NeedsParseSpecial(spec.kinds[i])) continue;
      const double score = std::round(double{spec.scores.empty() ? 0 : spec.scores[i]} * 1e4);
      const bool usable = std::isfinite(score) && score > double{kInvalidScore} && score < 2e9;
      scores_[i] = static_cast<int32_t>(usable ? score : double{kInvalidScore});
      entries.push_back({spec.tokens[i], static_cast<Token>(i)});
    }
    trie_ = ByteTrie(std::move(entries));
  }
  /// The first byte that has no token; 256 when all have.
  size_t MissingByte() const {
    return static_cast<size_t>(std::find(byte_tokens_.begin(), byte_tokens_.end(), -1) - byte_tokens_.begin());
  }

  std::unique_ptr<Session> NewSession(size_t) const override { return std::make_unique<Plamo2Session>(*this); }

 private:
  class Plamo2Session final : public Session {
   public:
    explicit Plamo2Session(const Plamo2Encoder& encoder) : encoder_(encoder) {}

    void Encode(std::string_view text, bool, std::vector<Token>* tokens) override {
      if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) text.remove_prefix(kByteOrderMark.size());
      FindBest(text);
      for (size_t pos = 0; pos < text.size(); pos += best_[pos].length) {
        if (best_[pos].token >= 0) {
          tokens->push_back(best_[pos].token);
          continue;
        }
        for (const char byte : text.substr(pos, best_[pos].length)) {
          tokens->push_back(encoder_.byte_tokens_[static_cast<uint8_t>(byte)]);
        }
      }
    }

   private:
    struct Best {
      int64_t cost;
      Token token;
      uint32_t length;
    };

    /// best_[i]: the cheapest way from byte i to the end. Of equally cheap ones the longest first token.
    void FindBest(std::string_view text) {
      constexpr int64_t kUnreached = std::numeric_limits<int64_t>::max() / 2;
      best_.assign(text.size() + 1, {kUnreached, -1, 1});
      best_[text.size()].cost = 0;
      for (size_t pos = text.size(); pos-- > 0;) {
        if ((static_cast<uint8_t>(text[pos]) & 0xC0) == 0x80 && InsideCharacter(text, pos)) continue;
        Best best{kUnreached, -1, 1};
        encoder_.trie_.ForEachPrefix(text.substr(pos), [&](Token token, size_t length) {
          const int64_t rest = best_[pos + length].cost;
          const int32_t score = encoder_.scores_[static_cast<size_t>(token)];
          if (rest == kUnreached || score <= kInvalidScore) return;
          const int64_t cost = rest - score;
          if (cost <= best.cost) best = {cost, token, static_cast<uint32_t>(length)};
        });
        const size_t length = DecodeUtf8(text, pos).length;
        const int64_t cost = best_[pos + length].cost - kUnknownScore;
        if (cost < best.cost) best = {cost, -1, static_cast<uint32_t>(length)};
        best_[pos] = best;
      }
    }

    /// Whether a character that starts before this continuation byte reaches it.
    static bool InsideCharacter(std::string_view text, size_t pos) {
      for (size_t back = 1; back <= 3 && back <= pos; ++back) {
        const Utf8Char c = DecodeUtf8(text, pos - back);
        if (c.valid) return c.length > back;
      }
      return false;
    }

    const Plamo2Encoder& encoder_;
    std::vector<Best> best_;
  };

  ByteTrie trie_;
  std::vector<int32_t> scores_;  ///< of tokens
  std::array<Token, 256> byte_tokens_;
};

}  // namespace

base::Result<std::unique_ptr<TextEncoder>> MakePlamo2Encoder(const Vocabulary& vocabulary) {
  auto encoder = std::make_unique<Plamo2Encoder>(vocabulary);
  if (const size_t missing = encoder->MissingByte(); missing < 256) {
    return base::Status{base::StatusCode::kBadModelFile, "vocabulary: no token for byte " + std::to_string(missing)};
  }
  return std::unique_ptr<TextEncoder>(std::move(encoder));
}

}  // namespace zell::tokenizer::internal
