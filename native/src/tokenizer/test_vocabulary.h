// A small vocabulary for tests: every byte, a few merges, a few special tokens.
#pragma once

#include <string>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace zell::tokenizer::internal {

/// Tokens 0–255 are the bytes in order of their value; then what the merges build; then special ones.
inline VocabularySpec TestVocabulary(const std::string& pre = "gpt-2") {
  VocabularySpec spec;
  spec.model = "gpt2";
  spec.pre = pre;
  for (int byte = 0; byte < 256; ++byte) spec.tokens.push_back(EncodeSpelling(std::string(1, static_cast<char>(byte))));
  for (const char* merge : {"h e", "l l", "he ll", "hell o", "Ġ w", "o r", "Ġw or", "l d", "Ġwor ld"}) {
    spec.merges.push_back(merge);
    std::string joined(merge);
    joined.erase(joined.find(' ', 1), 1);
    spec.tokens.push_back(joined);
  }
  spec.kinds.assign(spec.tokens.size(), TokenKind::kNormal);
  const auto add = [&](const char* text, TokenKind kind) {
    spec.tokens.push_back(text);
    spec.kinds.push_back(kind);
    return static_cast<Token>(spec.tokens.size() - 1);
  };
  spec.eos = add("<|endoftext|>", TokenKind::kControl);
  spec.bos = add("<s>", TokenKind::kControl);
  add("<tool>", TokenKind::kUserDefined);
  return spec;
}

inline Token Id(const Tokenizer& tokenizer, const std::string& text) {
  for (size_t i = 0; i < tokenizer.size(); ++i) {
    if (tokenizer.spec().tokens[i] == text) return static_cast<Token>(i);
  }
  return -1;
}

}  // namespace zell::tokenizer::internal
