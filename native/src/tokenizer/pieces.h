// Spellings of tokens, and their bytes as they appear in text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tokenizer/vocabulary.h"

namespace zell::tokenizer::internal {

/// `▁`, which stands for a space in vocabularies that spell their tokens in UTF-8.
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// The byte of `<0xNN>`; nullopt for anything else.
std::optional<char> ParseByteToken(std::string_view text);

/// The bytes that an RWKV token spells with backslashes: \t, \n, \r, \xNN, and any other character for itself.
std::string Unescape(std::string_view text);

/// Appends `text` with every `from` replaced by `to`.
void AppendReplaced(std::string_view text, std::string_view from, std::string_view to, std::string* out);

/// The bytes of a token as they appear in text: normal tokens are spelled as the family spells them (one that is not
/// spelled in the byte alphabet is taken as it stands), special ones stand for themselves, byte tokens are `<0xNN>`;
/// unused and undefined ones have no text.
std::string PieceOf(const Vocabulary& vocabulary, size_t token);

}  // namespace zell::tokenizer::internal
