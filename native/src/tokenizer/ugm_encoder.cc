// SentencePiece unigram (T5, XLM-RoBERTa): normalised text, then the segmentation with the greatest sum of scores.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tokenizer/byte_trie.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/space_marks.h"
#include "tokenizer/text_encoder.h"
#include "tokenizer/word_cache.h"

namespace zell::tokenizer::internal {
namespace {

constexpr double kWorst = -std::numeric_limits<double>::max();
constexpr float kUnknownPenalty = 10;
/// A sum below kLargestSum is off by less than 1e-5 after a word's few thousand roundings, so that two that are further
/// apart than kClose compare alike behind any text.
constexpr double kLargestSum = 1e7;
constexpr double kClose = 1e-3;
/// Longer words fit into no cache.
constexpr size_t kLongWord = 64;

/// Bytes of the character at pos if its continuation bytes are there, as lenient as SentencePiece's ports are: overlong
/// forms and surrogates pass. 0 otherwise.
size_t LenientLength(std::string_view text, size_t pos) {
  const auto lead = static_cast<uint8_t>(text[pos]);
  if (lead < 0x80) return 1;
  if (lead < 0xC0 || lead >= 0xF8) return 0;
  const size_t length = StepOf(text[pos]);
  if (text.size() - pos < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((static_cast<uint8_t>(text[pos + i]) & 0xC0) != 0x80) return 0;
  }
  return length;
}

class UgmEncoder final : public TextEncoder {
 public:
  UgmEncoder(const Vocabulary& vocabulary, Charsmap charsmap)
      : charsmap_(std::move(charsmap)),
        unknown_(vocabulary.spec.unknown),
        space_prefix_(vocabulary.spec.add_space_prefix.value_or(false)),
        merge_spaces_(vocabulary.spec.remove_extra_spaces.value_or(false)) {
    const VocabularySpec& spec = vocabulary.spec;
    std::vector<ByteTrie::Entry> entries, user_defined;
    scores_.resize(spec.tokens.size());
    float lowest = std::numeric_limits<float>::max();
    for (size_t i = 0; i < spec.tokens.size(); ++i) {
      const TokenKind kind = spec.kinds[i];
      const bool own = kind == TokenKind::kUserDefined;
      if (!own && kind != TokenKind::kNormal && kind != TokenKind::kUnused) continue;
      const float score = spec.scores.empty() || spec.scores[i] != spec.scores[i] ? 0 : spec.scores[i];
      scores_[i] = own ? 0 : score;
      if (kind == TokenKind::kNormal) lowest = std::min(lowest, score);
      entries.push_back({spec.tokens[i], static_cast<Token>(i)});
      if (own) user_defined.push_back(entries.back());
      marks_.AddToken(spec.tokens[i]);
    }
    unknown_score_ = lowest - kUnknownPenalty;
    trie_ = ByteTrie(std::move(entries));
    user_defined_ = ByteTrie(std::move(user_defined));
  }

  std::unique_ptr<Session> NewSession(size_t text_bytes) const override {
    return std::make_unique<UgmSession>(*this, text_bytes);
  }

 private:
  class UgmSession final : public Session {
   public:
    UgmSession(const UgmEncoder& encoder, size_t text_bytes) : encoder_(encoder), cache_(text_bytes) {}

    void Encode(std::string_view text, bool, std::vector<Token>* tokens) override {
      Normalize(text);
      const std::string_view all = normalized_;
      last_unknown_ = false;
      double score = 0;
      // The words are independent but for their sum, which is carried on so that it is rounded as in one go.
      for (size_t begin = 0; begin < all.size();) {
        const size_t end = encoder_.marks_.EndOfWord(all, begin);
        const std::string_view word = all.substr(begin, end - begin);
        score = word.size() > kLongWord ? ReplayLong(word, score, tokens) : Replay(word, score, tokens);
        begin = end;
      }
    }

   private:
    struct Best {
      Token token;
      uint32_t start;
      double score;
    };

    void Append(std::string_view text) {
      for (size_t pos = 0; pos < text.size();) {
        if (text[pos] == ' ') {
          in_word_ = false;
          if (!encoder_.merge_spaces_) normalized_ += kSpaceMark;
          ++pos;
          continue;
        }
        if (!in_word_) {
          in_word_ = true;
          if (encoder_.merge_spaces_ || (encoder_.space_prefix_ && !prefixed_)) {
            normalized_ += kSpaceMark;
            prefixed_ = true;
          }
        }
        const size_t end = std::min(text.find(' ', pos), text.size());
        normalized_ += text.substr(pos, end - pos);
        pos = end;
      }
    }

    void Normalize(std::string_view text) {
      normalized_.clear();
      in_word_ = prefixed_ = false;
      for (size_t pos = 0; pos < text.size();) {
        size_t run = pos;
        while (run + 1 < text.size() && encoder_.StandsForItself(text[run], text[run + 1])) ++run;
        if (run > pos) {
          Append(text.substr(pos, run - pos));
          pos = run;
          continue;
        }
        const std::string_view rest = text.substr(pos);
        const size_t own = encoder_.EndOfUserDefined(rest);
        if (own > 0) {
          Append(rest.substr(0, own));
          pos += own;
          continue;
        }
        if (const Charsmap::Match match = encoder_.charsmap_.Longest(rest); match.length > 0) {
          Append(match.replacement);
          pos += match.length;
          continue;
        }
        const size_t length = LenientLength(text, pos);
        Append(length > 0 ? rest.substr(0, length) : "\xEF\xBF\xBD");
        pos += std::max<size_t>(length, 1);
      }
    }

    /// Appends the word's tokens and gives the sum with their scores.
    double Replay(std::string_view word, double score, std::vector<Token>* tokens) {
      path_.clear();
      if (std::abs(score) < kLargestSum) {
        cache_.Append(word, &path_, [&] { return FindPath(word, score); });
      } else {
        FindPath(word, score);
      }
      return Emit(score, tokens);
    }

    /// Appends the tokens of path_ and gives the sum with their scores.
    double Emit(double score, std::vector<Token>* tokens) {
      // Neighbouring unknown tokens are one.
      for (const Token token : path_) {
        const bool unknown = token == encoder_.unknown_;
        score += unknown ? encoder_.unknown_score_ : encoder_.scores_[static_cast<size_t>(token)];
        if (token >= 0 && !(unknown && last_unknown_)) tokens->push_back(token);
        last_unknown_ = unknown;
      }
      return score;
    }

    /// Like Replay. What is behind a place that no token reaches across is settled: every way stops there.
    double ReplayLong(std::string_view word, double score, std::vector<Token>* tokens) {
      size_t begin = 0, reach = 0;
      best_.assign(1, {encoder_.unknown_, 0, score});
      for (size_t pos = 0; pos < word.size();) {
        const size_t step = std::min(StepOf(word[pos]), word.size() - pos);
        const auto start = static_cast<uint32_t>(pos - begin);
        const double sum = best_[start].score;
        bool single = false;
        const auto offer = [&](size_t end, Token token, float gain) {
          if (best_.size() <= end - begin) best_.resize(end - begin + 1, {encoder_.unknown_, 0, kWorst});
          Best& best = best_[end - begin];
          if (sum + double{gain} > best.score) best = {token, start, sum + double{gain}};
        };
        encoder_.trie_.ForEachPrefix(word.substr(pos), [&](Token token, size_t length) {
          single |= length == step;
          reach = std::max(reach, pos + length);
          offer(pos + length, token, encoder_.scores_[static_cast<size_t>(token)]);
        });
        pos += step;
        if (!single) offer(pos, encoder_.unknown_, encoder_.unknown_score_);
        if (reach > pos) continue;
        path_.clear();
        for (size_t end = pos - begin; end > 0; end = best_[end].start) path_.push_back(best_[end].token);
        std::reverse(path_.begin(), path_.end());
        score = Emit(score, tokens);
        begin = pos;
        best_.assign(1, {encoder_.unknown_, 0, score});
      }
      return score;
    }

    /// Appends the best way through the word to path_; the sum up to it only matters by its rounding. Whether it does
    /// not matter, because no choice on the way was close. best_[i]: the best way to the word's i-th byte.
    bool FindPath(std::string_view word, double score) {
      bool clear = true;
      best_.assign(word.size() + 1, {encoder_.unknown_, 0, kWorst});
      best_[0].score = score;
      const auto offer = [&](size_t start, size_t end, Token token, double sum) {
        const double gain = sum - best_[end].score;
        clear &= std::abs(gain) > kClose;
        if (gain > 0) best_[end] = {token, static_cast<uint32_t>(start), sum};
      };
      for (size_t pos = 0; pos < word.size();) {
        const size_t step = std::min(StepOf(word[pos]), word.size() - pos);
        const double sum = best_[pos].score;
        bool single = false;
        encoder_.trie_.ForEachPrefix(word.substr(pos), [&](Token token, size_t length) {
          single |= length == step;
          offer(pos, pos + length, token, sum + double{encoder_.scores_[static_cast<size_t>(token)]});
        });
        if (!single) offer(pos, pos + step, encoder_.unknown_, sum + double{encoder_.unknown_score_});
        pos += step;
      }
      for (size_t end = word.size(); end > 0; end = best_[end].start) path_.push_back(best_[end].token);
      std::reverse(path_.begin(), path_.end());
      return clear;
    }

    const UgmEncoder& encoder_;
    std::string normalized_;
    bool in_word_ = false, prefixed_ = false, last_unknown_ = false;
    WordCache<3> cache_;
    std::vector<Best> best_;
    std::vector<Token> path_;
  };

  /// Whether a character is ASCII, starts no user-defined token, and nothing is replaced there; `next` follows it.
  bool StandsForItself(char c, char next) const {
    const auto byte = static_cast<uint8_t>(c);
    return charsmap_.PassesThrough(byte, static_cast<uint8_t>(next)) &&
           user_defined_.Child(ByteTrie::kRoot, byte) == ByteTrie::kNone;
  }
  /// How far the text follows a user-defined token; 0 when it does not start like one.
  size_t EndOfUserDefined(std::string_view text) const {
    size_t length = 0;
    ByteTrie::Node node = ByteTrie::kRoot;
    while (length < text.size()) {
      node = user_defined_.Child(node, static_cast<uint8_t>(text[length]));
      if (node == ByteTrie::kNone) break;
      ++length;
    }
    return length;
  }

  const Charsmap charsmap_;
  ByteTrie trie_, user_defined_;
  std::vector<float> scores_;  ///< of tokens
  SpaceMarks marks_;
  const Token unknown_;
  float unknown_score_ = 0;
  const bool space_prefix_, merge_spaces_;
};

}  // namespace

base::Result<std::unique_ptr<TextEncoder>> MakeUgmEncoder(const Vocabulary& vocabulary) {
  base::Result<Charsmap> charsmap = Charsmap::Create(vocabulary.spec.charsmap);
  if (!charsmap.ok()) return charsmap.status();
  return std::unique_ptr<TextEncoder>(std::make_unique<UgmEncoder>(vocabulary, std::move(*charsmap)));
}

}  // namespace zell::tokenizer::internal
