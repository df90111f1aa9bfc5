// Character classes that the pre-tokenizers ask for, and strict UTF-8 decoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace zell::tokenizer::internal {

/// \p{L}, \p{N}, \p{M}, \s; no character has two of them. kOther is everything else, unassigned ones too.
enum class CharClass : uint8_t { kOther, kLetter, kNumber, kSpace, kMark };

/// From `start` up to the next range's start.
struct ClassRange {
  uint32_t start;
  CharClass char_class;
};
extern const ClassRange kClassRanges[];  ///< generated, see unicode_tables.cc
extern const size_t kClassRangeCount;

/// Constant time; `code_point` > U+10FFFF is kOther.
CharClass ClassOf(uint32_t code_point);

constexpr uint32_t kReplacement = 0xFFFD;

struct Utf8Char {
  uint32_t code_point;  ///< kReplacement when not valid
  uint8_t length;       ///< bytes; 1 when not valid
  bool valid;
};

/// The character at text[pos]; pos < text.size(). Overlong forms, surrogates and everything above U+10FFFF are not
/// valid.
Utf8Char DecodeUtf8(std::string_view text, size_t pos);

/// How many bytes a character that starts with `lead` has: 1–4, or 0 when no character starts so.
size_t Utf8Length(uint8_t lead);

}  // namespace zell::tokenizer::internal
