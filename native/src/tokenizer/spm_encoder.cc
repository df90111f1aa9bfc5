// SentencePiece BPE (Llama 2, Mistral, Gemma): spaces as `▁`, merges by the scores of the tokens, bytes for the rest.
#include <algorithm>
#include <array>
#include <atomic>
#include <limits>
#include <mutex>
#include <optional>

#include "tokenizer/borders.h"
#include "tokenizer/pieces.h"
#include "tokenizer/score_merger.h"
#include "tokenizer/space_marks.h"
#include "tokenizer/stretch_merger.h"
#include "tokenizer/text_encoder.h"
#include "tokenizer/word_cache.h"

namespace zell::tokenizer::internal {
namespace {

class SpmEncoder final : public TextEncoder {
 public:
  explicit SpmEncoder(const Vocabulary& vocabulary)
      : symbols_(vocabulary.spec.tokens.size()), space_prefix_(vocabulary.spec.add_space_prefix.value_or(true)) {
    const VocabularySpec& spec = vocabulary.spec;
    constexpr float kLowest = std::numeric_limits<float>::lowest();
    // The single bytes that every table has are no tokens yet, so they must not come out of merges.
    tokens_.assign(symbols_.size(), -1);
    scores_.assign(symbols_.size(), -std::numeric_limits<float>::infinity());
    byte_tokens_.fill(spec.unknown);
    for (size_t i = 0; i < spec.tokens.size(); ++i) {
      if (NeedsParseSpecial(spec.kinds[i]) || spec.kinds[i] == TokenKind::kByte) continue;
      const Symbol symbol = symbols_.Intern(spec.tokens[i]);
      if (symbol >= tokens_.size()) {
        tokens_.push_back(-1);
        scores_.push_back(0);
      }
      if (tokens_[symbol] >= 0) continue;
      tokens_[symbol] = static_cast<Token>(i);
      const float score = spec.scores.empty() ? 0 : spec.scores[i];
      scores_[symbol] = score >= kLowest && score <= -kLowest ? score : kLowest;
      marks_.AddToken(spec.tokens[i]);
    }
    for (size_t byte = 0; byte < 256; ++byte) {
      if (tokens_[byte] >= 0) byte_tokens_[byte] = tokens_[byte];
    }
    for (size_t i = spec.tokens.size(); i-- > 0;) {
      if (const std::optional<char> byte = ParseByteToken(spec.tokens[i])) {
        byte_tokens_[static_cast<uint8_t>(*byte)] = static_cast<Token>(i);
      }
    }
    whole_ = std::make_unique<std::atomic<Whole>[]>(tokens_.size());
  }

  std::unique_ptr<Session> NewSession(size_t text_bytes) const override {
    return std::make_unique<SpmSession>(*this, text_bytes);
  }

 private:
  /// Whether merging a token's characters gives it back; found out on first use.
  enum class Whole : uint8_t { kUnasked, kYes, kNo };

  class SpmSession final : public Session {
   public:
    SpmSession(const SpmEncoder& encoder, size_t text_bytes)
        : encoder_(encoder),
          merger_(encoder.symbols_, encoder.scores_),
          stretch_merger_(encoder.scores_),
          cache_(text_bytes) {}

    void Encode(std::string_view text, bool at_start, std::vector<Token>* tokens) override {
      escaped_.clear();
      if (at_start && encoder_.space_prefix_) escaped_ = kSpaceMark;
      AppendReplaced(text, " ", kSpaceMark, &escaped_);
      const std::string_view all = escaped_;
      for (size_t begin = 0; begin < all.size();) {
        const size_t end = encoder_.marks_.EndOfWord(all, begin);
        const std::string_view word = all.substr(begin, end - begin);
        if (word.size() > kLongWord) {
          EncodeLong(word, tokens);
        } else {
          EncodeCached(word, tokens);
        }
        begin = end;
      }
    }

   private:
    void EncodeCached(std::string_view word, std::vector<Token>* tokens) {
      cache_.Append(word, tokens, [&] { return EncodeWord(word, tokens); });
    }

    void EncodeLong(std::string_view word, std::vector<Token>* tokens) {
      if (!borders_) borders_.emplace(encoder_.Trie(), encoder_.symbols_.longest());
      borders_->Start(word);
      for (size_t begin = 0; begin < word.size();) {
        const size_t end = borders_->Next();
        const std::string_view stretch = word.substr(begin, end - begin);
        if (borders_->all_known()) {
          cache_.Append(stretch, tokens, [&] { return EncodeStretch(stretch, tokens); });
        } else {
          EncodeCached(stretch, tokens);
        }
        begin = end;
      }
    }

    /// What EncodeWord does, for the stretch at which the borders are.
    bool EncodeStretch(std::string_view stretch, std::vector<Token>* tokens) {
      for (const StretchMerger::Piece& piece : stretch_merger_.Run(*borders_)) {
        if (piece.symbol >= 0) {
          tokens->push_back(encoder_.tokens_[static_cast<Symbol>(piece.symbol)]);
        } else {
          EncodeBytes(stretch.substr(piece.start, piece.bytes), tokens);
        }
      }
      return true;
    }

    void EncodeBytes(std::string_view piece, std::vector<Token>* tokens) {
      for (const char byte : piece) {
        const Token token = encoder_.byte_tokens_[static_cast<uint8_t>(byte)];
        if (token >= 0) tokens->push_back(token);
      }
    }

    /// Always true: the same word is the same tokens anywhere.
    bool EncodeWord(std::string_view word, std::vector<Token>* tokens) {
      if (const Symbol symbol = encoder_.symbols_.Find(word); encoder_.TokenOf(symbol) >= 0 && IsWhole(symbol)) {
        tokens->push_back(encoder_.TokenOf(symbol));
        return true;
      }
      uint32_t begin = 0;
      for (const uint32_t end : merger_.Run(word)) {
        const std::string_view piece = word.substr(begin, end - begin);
        begin = end;
        if (const Token token = encoder_.TokenOf(encoder_.symbols_.Find(piece)); token >= 0) {
          tokens->push_back(token);
        } else {
          EncodeBytes(piece, tokens);
        }
      }
      return true;
    }

    bool IsWhole(Symbol symbol) {
      // Relaxed: every thread that asks finds the same answer.
      Whole whole = encoder_.whole_[symbol].load(std::memory_order_relaxed);
      if (whole == Whole::kUnasked) {
        whole = merger_.Run(encoder_.symbols_.bytes(symbol)).size() == 1 ? Whole::kYes : Whole::kNo;
        encoder_.whole_[symbol].store(whole, std::memory_order_relaxed);
      }
      return whole == Whole::kYes;
    }

    const SpmEncoder& encoder_;
    ScoreMerger merger_;
    StretchMerger stretch_merger_;
    std::optional<Borders> borders_;  ///< once a word is long
    WordCache<7> cache_;
    std::string escaped_;
  };

  /// Longer words are cut at their borders. Text with spaces has none, so that most sessions need no trie.
  static constexpr size_t kLongWord = 256;

  /// Of the symbols that merging may give; made on first use.
  const ByteTrie& Trie() const {
    std::call_once(trie_made_, [this] {
      std::vector<ByteTrie::Entry> entries;
      entries.reserve(tokens_.size());
      for (Symbol symbol = 0; symbol < tokens_.size(); ++symbol) {
        if (tokens_[symbol] >= 0) entries.push_back({symbols_.bytes(symbol), static_cast<Token>(symbol)});
      }
      trie_ = ByteTrie(std::move(entries));
    });
    return trie_;
  }
  Token TokenOf(Symbol symbol) const { return symbol < tokens_.size() ? tokens_[symbol] : -1; }

  SymbolTable symbols_;
  std::vector<Token> tokens_;  ///< of symbols
  std::vector<float> scores_;  ///< of symbols
  std::array<Token, 256> byte_tokens_;
  SpaceMarks marks_;
  std::unique_ptr<std::atomic<Whole>[]> whole_;
  mutable std::once_flag trie_made_;
  mutable ByteTrie trie_;
  const bool space_prefix_;
};

}  // namespace

base::Result<std::unique_ptr<TextEncoder>> MakeSpmEncoder(const Vocabulary& vocabulary) {
  return std::unique_ptr<TextEncoder>(std::make_unique<SpmEncoder>(vocabulary));
}

}  // namespace zell::tokenizer::internal
