// Builds the symbol and merge tables from a vocabulary, and encodes words with them.
#include "tokenizer/word_encoder.h"

#include "tokenizer/byte_alphabet.h"

namespace zell::tokenizer::internal {

WordEncoder::WordEncoder(const Vocabulary& vocabulary)
    : symbols_(vocabulary.spec.tokens.size()),
      merges_(vocabulary.spec.merges.size()),
      ignore_merges_(vocabulary.pretokenizer->ignore_merges) {
  AddTokens(vocabulary.spec);
  AddMerges(vocabulary.spec);
  whole_ = std::make_unique<std::atomic<Whole>[]>(tokens_.size());
}

// Control and unknown tokens get no symbol: text that nobody declared special can never become one of them, whatever
// the merges say.
void WordEncoder::AddTokens(const VocabularySpec& spec) {
  tokens_.assign(256, -1);
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    if (NeedsParseSpecial(spec.kinds[i])) continue;
    const Symbol symbol = InternSpelling(spec.tokens[i]);
    if (symbol == kNoSymbol) continue;
    if (symbol >= tokens_.size()) tokens_.resize(symbol + 1, -1);
    if (tokens_[symbol] < 0) tokens_[symbol] = static_cast<Token>(i);
  }
}

void WordEncoder::AddMerges(const VocabularySpec& spec) {
  std::string bytes;
  for (size_t rank = 0; rank < spec.merges.size(); ++rank) {
    const std::string_view merge = spec.merges[rank];
    const size_t space = merge.find(' ', 1);
    const Symbol left = InternSpelling(merge.substr(0, space));
    const Symbol right = InternSpelling(merge.substr(space + 1));
    if (left == kNoSymbol || right == kNoSymbol) continue;
    bytes.assign(symbols_.bytes(left));
    bytes.append(symbols_.bytes(right));
    merges_.Add(left, right, {static_cast<uint32_t>(rank), symbols_.Intern(bytes)});
  }
}

Symbol WordEncoder::InternSpelling(std::string_view spelling) {
  const std::optional<std::string> bytes = DecodeSpelling(spelling);
  return bytes.has_value() && !bytes->empty() ? symbols_.Intern(*bytes) : kNoSymbol;
}

bool WordEncoder::IsWhole(Symbol symbol, WordMerger* merger) const {
  if (ignore_merges_) return true;
  // Relaxed: every thread that asks finds the same answer.
  Whole whole = whole_[symbol].load(std::memory_order_relaxed);
  if (whole == Whole::kUnasked) {
    whole = merger->Run(symbols_.bytes(symbol)) == std::vector<Symbol>{symbol} ? Whole::kYes : Whole::kNo;
    whole_[symbol].store(whole, std::memory_order_relaxed);
  }
  return whole == Whole::kYes;
}

void WordEncoder::Encode(std::string_view word, WordMerger* merger, std::vector<Token>* tokens) const {
  const Symbol known = symbols_.Find(word);
  if (TokenOf(known) >= 0 && IsWhole(known, merger)) {
    tokens->push_back(TokenOf(known));
    return;
  }
  for (const Symbol symbol : merger->Run(word)) {
    if (TokenOf(symbol) >= 0) {
      tokens->push_back(TokenOf(symbol));
      continue;
    }
    for (const char byte : symbols_.bytes(symbol)) {
      const Token token = TokenOf(static_cast<uint8_t>(byte));
      if (token >= 0) tokens->push_back(token);
    }
  }
}

}  // namespace zell::tokenizer::internal
