// Reads the characters of a text with their classes, for the splitters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tokenizer/unicode.h"

namespace zell::tokenizer::internal {

struct Char {
  uint32_t code_point;
  CharClass char_class;
  uint8_t length;  ///< bytes; 0 past the end
};

/// A set of character classes, one bit each.
using ClassSet = uint32_t;
template <typename... Classes>
constexpr ClassSet Set(Classes... classes) {
  return ((1U << static_cast<uint32_t>(classes)) | ...);
}
constexpr bool Has(ClassSet set, CharClass c) { return (set >> static_cast<uint32_t>(c) & 1) != 0; }
constexpr bool IsBreak(const Char& c) { return c.code_point == '\r' || c.code_point == '\n'; }

constexpr std::array<CharClass, 128> kAsciiClasses = [] {
  std::array<CharClass, 128> table{};
  for (uint32_t c = 0; c < 128; ++c) {
    const uint32_t lower = c | 0x20;
    CharClass& value = table[c];
    value = c < 0x20 || c == 0x7F ? CharClass::kControl : CharClass::kPunctuation;
    if (lower >= 'a' && lower <= 'z') value = CharClass::kLetter;
    if (c >= '0' && c <= '9') value = CharClass::kNumber;
    if (c == ' ' || (c >= 0x09 && c <= 0x0D)) value = CharClass::kSpace;
    for (const char symbol : {'$', '+', '<', '=', '>', '^', '`', '|', '~'}) {
      if (c == static_cast<uint32_t>(symbol)) value = CharClass::kSymbol;
    }
  }
  return table;
}();

/// White space from some position: its end, where its last character starts, and the end of its last line break (0:
/// none).
struct Space {
  size_t end;
  size_t last;
  size_t break_end = 0;
};

/// Positions count bytes. An invalid byte is a character of its own: U+FFFD, a symbol.
class CharReader {
 public:
  explicit CharReader(std::string_view text) : text_(text) {}

  size_t size() const { return text_.size(); }
  Char At(size_t pos) const {
    if (pos >= text_.size()) return {0, CharClass::kEnd, 0};
    const auto byte = static_cast<uint8_t>(text_[pos]);
    if (byte < 0x80) return {byte, kAsciiClasses[byte], 1};
    const Utf8Char c = DecodeUtf8(text_, pos);
    return {c.code_point, c.valid ? ClassOf(c.code_point) : CharClass::kSymbol, c.length};
  }
  /// Whether the byte at pos is `c`; false past the end.
  bool Is(size_t pos, char c) const { return pos < text_.size() && text_[pos] == c; }
  bool StartsWith(size_t pos, std::string_view wanted) const { return text_.substr(pos, wanted.size()) == wanted; }

  /// The end of the run, from pos on, of characters that `wanted(Char)` accepts; it must refuse kEnd.
  template <typename Wanted>
  size_t SkipWhile(size_t pos, Wanted wanted) const {
    for (Char c = At(pos); wanted(c); c = At(pos)) pos += c.length;
    return pos;
  }
  size_t Skip(size_t pos, ClassSet wanted) const {
    return SkipWhile(pos, [wanted](const Char& c) { return Has(wanted, c.char_class); });
  }

  /// Bytes of the contraction at pos, where an apostrophe stands; 0 when there is none.
  size_t Contraction(size_t pos, bool ignore_case) const {
    const auto letter = [&](size_t i) -> char {
      if (pos + i >= text_.size()) return 0;
      const char c = text_[pos + i];
      return ignore_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    };
    const char a = letter(1);
    if (a == 's' || a == 't' || a == 'm' || a == 'd') return 2;
    const char b = letter(2);
    return (a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l') ? 3 : 0;
  }

  Space ReadSpace(size_t pos) const {
    Space space{pos, pos};
    for (Char c = At(pos); c.char_class == CharClass::kSpace; c = At(pos)) {
      space.last = pos;
      pos += c.length;
      if (IsBreak(c)) space.break_end = pos;
    }
    space.end = pos;
    return space;
  }
  /// `\s+(?!\S)|\s+`: leaves the last of several spaces to the word behind them.
  size_t EndOfSpaces(const Space& space, size_t pos) const {
    const bool several = space.last > pos;
    return several && space.end < text_.size() ? space.last : space.end;
  }
  /// `\s*[\r\n]+|\s+(?!\S)|\s+`
  size_t EndOfLinesOrSpaces(size_t pos) const {
    const Space space = ReadSpace(pos);
    return space.break_end > 0 ? space.break_end : EndOfSpaces(space, pos);
  }

 private:
  std::string_view text_;
};

}  // namespace zell::tokenizer::internal
