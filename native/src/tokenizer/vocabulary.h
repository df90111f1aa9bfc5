// Checks what a model file says about its vocabulary and fills in what it leaves out.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/tokenizer.h"

namespace zell::tokenizer::internal {

/// Limits on a file; real vocabularies stay far below.
constexpr size_t kMaxTokens = size_t{1} << 22;
constexpr size_t kMaxMerges = size_t{1} << 23;
constexpr size_t kMaxTokenBytes = size_t{1} << 16;
/// Of a token that is searched for in the text, at every position.
constexpr size_t kMaxSpecialBytes = 1024;

enum class Algorithm : uint8_t { kBpe, kSpm, kWpm, kUgm, kRwkv, kPlamo2 };

/// A vocabulary that passed every check: kinds has one entry a token, every id is -1 or inside, no token text is empty.
struct Vocabulary {
  VocabularySpec spec;
  Algorithm algorithm;
  const Pretokenizer* pretokenizer;      ///< nullptr where the algorithm is not kBpe
  std::vector<Token> end_of_generation;  ///< ascending
};

/// @errors as Tokenizer::Create.
base::Result<Vocabulary> CheckVocabulary(VocabularySpec spec);

/// Whether text only becomes this token when special tokens are asked for.
bool NeedsParseSpecial(TokenKind kind);
/// Whether the token is searched for in the text, before words are cut.
bool IsSearchedFor(TokenKind kind);

}  // namespace zell::tokenizer::internal
