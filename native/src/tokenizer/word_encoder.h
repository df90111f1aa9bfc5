// One word to token ids: symbols, merges, and what to do with a symbol that is no token.
#pragma once

#include <atomic>
#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/merges.h"
#include "tokenizer/symbol_table.h"
#include "tokenizer/vocabulary.h"

namespace zell::tokenizer::internal {

/// Immutable but for a cache; Encode may be called from any thread, each with a WordMerger of its own.
class WordEncoder {
 public:
  explicit WordEncoder(const Vocabulary& vocabulary);

  WordMerger NewMerger() const { return WordMerger(merges_); }
  /// Appends the tokens of one word. Where merging ends at a symbol that is no token, the tokens of its bytes stand for
  /// it; a byte without a token is dropped.
  void Encode(std::string_view word, WordMerger* merger, std::vector<Token>* tokens) const;

 private:
  /// Whether merging a symbol's bytes gives back this one symbol. Found out on first use: most words of real text are
  /// such tokens, and then a look-up replaces all the merging.
  enum class Whole : uint8_t { kUnasked, kYes, kNo };

  void AddTokens(const VocabularySpec& spec);
  void AddMerges(const VocabularySpec& spec);
  Symbol InternSpelling(std::string_view spelling);
  Token TokenOf(Symbol symbol) const { return symbol < tokens_.size() ? tokens_[symbol] : -1; }
  bool IsWhole(Symbol symbol, WordMerger* merger) const;

  SymbolTable symbols_;
  MergeTable merges_;
  std::vector<Token> tokens_;  ///< of the first symbols; later ones come from merges and are none
  std::unique_ptr<std::atomic<Whole>[]> whole_;
  bool ignore_merges_;
};

}  // namespace zell::tokenizer::internal
