// Builds the symbol and merge tables from a vocabulary, and encodes words with them.
#include "tokenizer/word_encoder.h"

#include <algorithm>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/pieces.h"
#include "tokenizer/unicode.h"

namespace zell::tokenizer::internal {

WordEncoder::WordEncoder(const Vocabulary& vocabulary)
    : byte_alphabet_(vocabulary.pretokenizer->spelling == Spelling::kByteAlphabet),
      symbols_(vocabulary.spec.tokens.size()),
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
  tokens_.reserve(spec.tokens.size() + 256);
  byte_tokens_.fill(-1);
  std::string bytes;
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    if (NeedsParseSpecial(spec.kinds[i])) continue;
    if (const std::optional<char> byte = byte_alphabet_ ? std::nullopt : ParseByteToken(spec.tokens[i])) {
      Token& token = byte_tokens_[static_cast<uint8_t>(*byte)];
      if (token < 0) token = static_cast<Token>(i);
    }
    bytes.clear();
    if (!AppendBytes(spec.tokens[i], &bytes) || bytes.empty()) continue;
    const Symbol symbol = symbols_.Intern(bytes);
    if (symbol >= tokens_.size()) tokens_.resize(symbol + 1, -1);
    if (tokens_[symbol] < 0) tokens_[symbol] = static_cast<Token>(i);
  }
  if (byte_alphabet_) std::copy_n(tokens_.begin(), 256, byte_tokens_.begin());
}

// The tables are larger than any cache, so that a merge mostly waits for memory: a few are under way at a time.
void WordEncoder::AddMerges(const VocabularySpec& spec) {
  struct Prepared {
    uint32_t rank;
    size_t begin, middle, end;  ///< of its two sides in `text`
    uint64_t left, right;       ///< hashes
  };
  constexpr size_t kAtOnce = 32;
  std::array<Prepared, kAtOnce> prepared;
  std::string text;
  Symbol result = 0;
  for (size_t rank = 0; rank < spec.merges.size();) {
    size_t n = 0;
    text.clear();
    for (; rank < spec.merges.size() && n < kAtOnce; ++rank) {
      const std::string_view merge = spec.merges[rank];
      const size_t space = merge.find(' ', 1);
      const size_t begin = text.size();
      if (!AppendBytes(merge.substr(0, space), &text)) continue;
      const size_t middle = text.size();
      if (!AppendBytes(merge.substr(space + 1), &text)) continue;
      const std::string_view all = text;
      prepared[n++] = {static_cast<uint32_t>(rank),
                       begin,
                       middle,
                       text.size(),
                       symbols_.Prepare(all.substr(begin, middle - begin)),
                       symbols_.Prepare(all.substr(middle))};
    }
    for (const Prepared& p : std::span(prepared).first(n)) {
      const std::string_view bytes = std::string_view(text).substr(p.begin, p.end - p.begin);
      if (!byte_alphabet_) NoteSpaces(bytes);
      const Symbol left = symbols_.Intern(bytes.substr(0, p.middle - p.begin), p.left);
      const Symbol right = symbols_.Intern(bytes.substr(p.middle - p.begin), p.right);
      // Most files list merges in the order of their results, all of one result together.
      if (symbols_.bytes(result) != bytes) {
        ++result;
        if (result == symbols_.size() || symbols_.bytes(result) != bytes) result = symbols_.Intern(bytes);
      }
      merges_.Add(left, right, {p.rank, result});
    }
  }
}

void WordEncoder::NoteSpaces(std::string_view merged) {
  for (size_t at = merged.find(kSpaceMark, 1); at != std::string_view::npos; at = merged.find(kSpaceMark, at + 1)) {
    joins_before_space_[static_cast<uint8_t>(merged[at - 1])] = true;
  }
}

bool WordEncoder::AppendBytes(std::string_view spelling, std::string* bytes) const {
  if (byte_alphabet_) return AppendSpelled(spelling, bytes);
  bytes->append(spelling);
  return true;
}

// Merging starts from bytes in the byte alphabet, else from characters. A character that no token and no merge knows
// goes in as its bytes, which nothing merges with.
const std::vector<Symbol>& WordEncoder::Merge(std::string_view word, Scratch* scratch) const {
  if (byte_alphabet_) return scratch->merger.Run(word);
  scratch->symbols.clear();
  for (size_t pos = 0; pos < word.size();) {
    const std::string_view c = word.substr(pos, DecodeUtf8(word, pos).length);
    const Symbol symbol = c.size() == 1 ? static_cast<uint8_t>(c[0]) : symbols_.Find(c);
    pos += c.size();
    if (symbol != kNoSymbol) {
      scratch->symbols.push_back(symbol);
      continue;
    }
    for (const char byte : c) scratch->symbols.push_back(static_cast<uint8_t>(byte));
  }
  return scratch->merger.Run(std::span<const Symbol>(scratch->symbols));
}

bool WordEncoder::IsWhole(Symbol symbol, Scratch* scratch) const {
  if (ignore_merges_) return true;
  // Relaxed: every thread that asks finds the same answer.
  Whole whole = whole_[symbol].load(std::memory_order_relaxed);
  if (whole == Whole::kUnasked) {
    whole = Merge(symbols_.bytes(symbol), scratch) == std::vector<Symbol>{symbol} ? Whole::kYes : Whole::kNo;
    whole_[symbol].store(whole, std::memory_order_relaxed);
  }
  return whole == Whole::kYes;
}

void WordEncoder::Encode(std::string_view word, Scratch* scratch, std::vector<Token>* tokens) const {
  const Symbol known = symbols_.Find(word);
  if (TokenOf(known) >= 0 && IsWhole(known, scratch)) {
    tokens->push_back(TokenOf(known));
    return;
  }
  for (const Symbol symbol : Merge(word, scratch)) {
    if (TokenOf(symbol) >= 0) {
      tokens->push_back(TokenOf(symbol));
      continue;
    }
    for (const char byte : symbols_.bytes(symbol)) {
      const Token token = byte_tokens_[static_cast<uint8_t>(byte)];
      if (token >= 0) tokens->push_back(token);
    }
  }
}

}  // namespace zell::tokenizer::internal
