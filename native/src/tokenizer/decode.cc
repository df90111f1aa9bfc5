// Whole sequences: what the model wants around a text, and the text of all tokens.
#include "tokenizer/tokenizer.h"

namespace zell::tokenizer {
namespace {

/// Drops the spaces that stand before ?!., then the two around a lone apostrophe, then those before 's 'm 're 've.
std::string CleanSpaces(const std::string& text) {
  std::string once;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool tight = c == '?' || c == '!' || c == '.' || c == ',';
    if (i > 0 && tight && text[i - 1] == ' ') once.pop_back();
    once.push_back(c);
  }
  std::string twice;
  for (size_t i = 0; i < once.size(); ++i) {
    const bool lone = i > 0 && i + 1 < once.size() && once[i] == '\'' && once[i - 1] == ' ' && once[i + 1] == ' ';
    if (lone) {
      twice.back() = '\'';
      once[++i] = '\0';  // no space any more for what follows
      continue;
    }
    twice.push_back(once[i]);
  }
  std::string thrice;
  for (size_t i = 0; i < twice.size(); ++i) {
    const auto at = [&](size_t k) { return i + k < twice.size() ? twice[i + k] : '\0'; };
    const bool contraction =
        at(1) == 's' || at(1) == 'm' || (at(2) == 'e' && (at(1) == 'r' || at(1) == 'v') && i + 2 < twice.size());
    if (i > 0 && twice[i] == '\'' && contraction && twice[i - 1] == ' ') thrice.pop_back();
    thrice.push_back(twice[i]);
  }
  return thrice;
}

}  // namespace

void Tokenizer::AddAffixes(std::vector<Token>* tokens) const {
  const VocabularySpec& s = spec();
  if (s.model == "rwkv" || s.model == "plamo2") return;
  const bool bert = s.model == "bert";  // frames every text, whatever the flags say
  if (s.bos >= 0 && (bert || s.add_bos)) tokens->insert(tokens->begin(), s.bos);
  if (bert && s.separator >= 0) tokens->push_back(s.separator);
  if (!bert && s.eos >= 0 && s.add_eos) tokens->push_back(s.eos);
}

std::string Tokenizer::Decode(std::span<const Token> tokens, bool remove_affixes, bool special) const {
  const VocabularySpec& s = spec();
  bool strip_space = s.add_space_prefix.value_or(false);
  if (remove_affixes && s.add_bos && !tokens.empty() && tokens.front() == s.bos) {
    tokens = tokens.subspan(1);
    strip_space = false;
  }
  if (remove_affixes && s.add_eos && !tokens.empty() && tokens.back() == s.eos)
    tokens = tokens.first(tokens.size() - 1);
  std::string text;
  for (const Token token : tokens) {
    const std::string piece = Piece(token, special);
    text.append(piece, strip_space && !piece.empty() && piece[0] == ' ' ? 1 : 0);
    strip_space = false;
  }
  return s.clean_spaces ? CleanSpaces(text) : text;
}

}  // namespace zell::tokenizer
