// One word to token ids: symbols, merges, and what to do with a symbol that is no token.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/merges.h"
#include "tokenizer/symbol_table.h"
#include "tokenizer/vocabulary.h"

namespace zell::tokenizer::internal {

/// Immutable but for a cache; Encode may be called from any thread, each with a Scratch of its own.
class WordEncoder {
 public:
  struct Scratch {
    WordMerger merger;
    std::vector<Symbol> symbols;
  };

  explicit WordEncoder(const Vocabulary& vocabulary);

  Scratch NewScratch() const { return {WordMerger(merges_), {}}; }
  /// Appends the tokens of one word. Where merging ends at a symbol that is no token, the tokens of its bytes stand for
  /// it; a byte without a token is dropped.
  void Encode(std::string_view word, Scratch* scratch, std::vector<Token>* tokens) const;
  /// The token that is spelled so, -1 when there is none.
  Token Find(std::string_view word) const { return TokenOf(symbols_.Find(word)); }
  /// Whether a merge joins something that ends with this byte and something that starts with `▁`.
  bool JoinsBeforeSpace(uint8_t byte) const { return joins_before_space_[byte]; }

 private:
  /// Whether merging a symbol's bytes gives back this one symbol. Found out on first use: most words of real text are
  /// such tokens, and then a look-up replaces all the merging.
  enum class Whole : uint8_t { kUnasked, kYes, kNo };

  void AddTokens(const VocabularySpec& spec);
  void AddMerges(const VocabularySpec& spec);
  void NoteSpaces(std::string_view merged);
  /// Whether all of `spelling` stands for bytes; they are appended.
  bool AppendBytes(std::string_view spelling, std::string* bytes) const;
  Token TokenOf(Symbol symbol) const { return symbol < tokens_.size() ? tokens_[symbol] : -1; }
  bool IsWhole(Symbol symbol, Scratch* scratch) const;
  const std::vector<Symbol>& Merge(std::string_view word, Scratch* scratch) const;

  bool byte_alphabet_;
  SymbolTable symbols_;
  MergeTable merges_;
  std::vector<Token> tokens_;  ///< of the first symbols; later ones come from merges and are none
  std::array<Token, 256> byte_tokens_;
  std::array<bool, 256> joins_before_space_{};
  std::unique_ptr<std::atomic<Whole>[]> whole_;
  bool ignore_merges_;
};

}  // namespace zell::tokenizer::internal
