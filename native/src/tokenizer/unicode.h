// Character classes that the pre-tokenizers ask for, and strict UTF-8 decoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace zell::tokenizer::internal {

/// \p{L}, \p{N}, \s, \p{M}, \p{P}, \p{S}, and the assigned ones of \p{C}; no character has two of them. kOther is
/// unassigned. kEnd is no character: readers give it past the end of their text.
enum class CharClass : uint8_t { kOther, kLetter, kNumber, kSpace, kMark, kPunctuation, kSymbol, kControl, kEnd };

/// From `start` up to the next range's start.
struct ClassRange {
  uint32_t start;
  CharClass char_class;
};
extern const ClassRange kClassRanges[];  ///< generated, see unicode_tables.cc
extern const size_t kClassRangeCount;

/// Characters `first`, `first` + `step` … `last` have their lower case `delta` away.
struct LowerRange {
  uint32_t first, last;
  int32_t delta;
  uint32_t step;
};
extern const LowerRange kLowerRanges[];
extern const size_t kLowerRangeCount;

/// Characters that decompose to `base` and marks behind it.
struct BaseRange {
  uint32_t first, last, base;
};
extern const BaseRange kBaseRanges[];
extern const size_t kBaseRangeCount;

/// Constant time; `code_point` > U+10FFFF is kOther.
CharClass ClassOf(uint32_t code_point);

/// Simple lower case; the character itself when it has none.
uint32_t LowerOf(uint32_t code_point);

/// The first character of the canonical decomposition (NFD); the character itself when it does not decompose.
uint32_t BaseOf(uint32_t code_point);

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

/// Appends the character in UTF-8; code_point <= U+10FFFF.
void AppendUtf8(uint32_t code_point, std::string* text);

}  // namespace zell::tokenizer::internal
