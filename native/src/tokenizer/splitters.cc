// The splitters. Each alternative of a pattern is one block, in the pattern's order.
#include "tokenizer/splitters.h"

#include <array>

#include "tokenizer/unicode.h"

namespace zell::tokenizer::internal {
namespace {

enum Class : uint8_t { kOther, kLetter, kNumber, kSpace, kEnd };

struct Char {
  uint8_t byte;  ///< the first one; says enough wherever an ASCII character is asked for
  Class char_class;
  uint8_t length;
};

template <bool kMarksAreLetters>
Class Simplify(CharClass c) {
  switch (c) {
    case CharClass::kLetter:
      return kLetter;
    case CharClass::kNumber:
      return kNumber;
    case CharClass::kSpace:
      return kSpace;
    case CharClass::kMark:
      return kMarksAreLetters ? kLetter : kOther;
    case CharClass::kOther:
      break;
  }
  return kOther;
}

constexpr std::array<Class, 128> kAscii = [] {
  std::array<Class, 128> table{};
  for (int c = 0; c < 128; ++c) {
    const int lower = c | 0x20;
    table[static_cast<size_t>(c)] = lower >= 'a' && lower <= 'z'         ? kLetter
                                    : c >= '0' && c <= '9'               ? kNumber
                                    : c == ' ' || (c >= 0x09 && c <= 13) ? kSpace
                                                                         : kOther;
  }
  return table;
}();

/// Reads characters of one text; past its end there is kEnd.
template <bool kMarksAreLetters>
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Char At(size_t pos) const {
    if (pos >= text_.size()) return {0, kEnd, 0};
    const auto byte = static_cast<uint8_t>(text_[pos]);
    if (byte < 0x80) return {byte, kAscii[byte], 1};
    const Utf8Char c = DecodeUtf8(text_, pos);
    return {byte, c.valid ? Simplify<kMarksAreLetters>(ClassOf(c.code_point)) : kOther, c.length};
  }
  /// The end of the run of `wanted` that starts at pos.
  size_t Skip(size_t pos, Class wanted) const {
    for (Char c = At(pos); c.char_class == wanted; c = At(pos)) pos += c.length;
    return pos;
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

 private:
  std::string_view text_;
};

/// White space from `pos`: its end, where its last character starts, and the end of its last line break (0: none).
struct Space {
  size_t end;
  size_t last;
  size_t line_break_end = 0;
};
template <typename R>
Space ReadSpace(const R& reader, size_t pos) {
  Space space{pos, pos};
  for (Char c = reader.At(pos); c.char_class == kSpace; c = reader.At(pos)) {
    space.last = pos;
    pos += c.length;
    if (c.byte == '\r' || c.byte == '\n') space.line_break_end = pos;
  }
  space.end = pos;
  return space;
}

/// `\s+(?!\S)|\s+`: leaves the last of several spaces to the word behind them.
template <typename R>
size_t EndOfSpaces(const R& reader, const Space& space, size_t pos) {
  const bool several = space.last > pos;
  return several && reader.At(space.end).char_class != kEnd ? space.last : space.end;
}

/// [begin, end) of text; the end is where look-ahead ends, too.
void SplitGpt2Range(std::string_view text, size_t begin, size_t end, std::vector<uint32_t>* ends) {
  const Reader<false> reader(text.substr(0, end));
  for (size_t pos = begin; pos < end; ends->push_back(static_cast<uint32_t>(pos))) {
    const Char c = reader.At(pos);
    if (c.byte == '\'') {
      if (const size_t length = reader.Contraction(pos, false)) {
        pos += length;
        continue;
      }
    }
    const size_t start = pos + (c.byte == ' ' ? 1 : 0);
    const Class lead = c.byte == ' ' ? reader.At(start).char_class : c.char_class;
    if (lead != kSpace && lead != kEnd) {
      pos = reader.Skip(start, lead);
      continue;
    }
    pos = EndOfSpaces(reader, ReadSpace(reader, pos), pos);
  }
}

template <bool kMarksAreLetters>
void SplitByLines(std::string_view text, size_t digits_per_word, std::vector<uint32_t>* ends) {
  const Reader<kMarksAreLetters> reader(text);
  for (size_t pos = 0; pos < text.size(); ends->push_back(static_cast<uint32_t>(pos))) {
    const Char c = reader.At(pos);
    if (c.byte == '\'') {
      if (const size_t length = reader.Contraction(pos, true)) {
        pos += length;
        continue;
      }
    }
    // [^\r\n\p{L}\p{N}]?\p{L}+
    if (c.char_class == kLetter || (c.char_class != kNumber && c.byte != '\r' && c.byte != '\n' &&
                                    reader.At(pos + c.length).char_class == kLetter)) {
      pos = reader.Skip(pos + c.length, kLetter);
      continue;
    }
    if (c.char_class == kNumber) {
      Char digit = c;
      for (size_t n = 0; n < digits_per_word && digit.char_class == kNumber; ++n) {
        pos += digit.length;
        digit = reader.At(pos);
      }
      continue;
    }
    // ` ?[^\s\p{L}\p{N}]+[\r\n]*`
    const size_t start = pos + (c.byte == ' ' ? 1 : 0);
    if (reader.At(start).char_class == kOther) {
      pos = reader.Skip(start, kOther);
      while (pos < text.size() && (text[pos] == '\r' || text[pos] == '\n')) ++pos;
      continue;
    }
    // \s*[\r\n]+, else as EndOfSpaces says
    const Space space = ReadSpace(reader, pos);
    pos = space.line_break_end > 0 ? space.line_break_end : EndOfSpaces(reader, space, pos);
  }
}

}  // namespace

void SplitGpt2(std::string_view text, std::vector<uint32_t>* ends) { SplitGpt2Range(text, 0, text.size(), ends); }

void SplitDigitsThenGpt2(std::string_view text, std::vector<uint32_t>* ends) {
  const Reader<false> reader(text);
  size_t begin = 0;
  for (size_t pos = 0; pos < text.size();) {
    const Char c = reader.At(pos);
    const size_t next = pos + c.length;
    if (c.char_class == kNumber) {
      SplitGpt2Range(text, begin, pos, ends);
      ends->push_back(static_cast<uint32_t>(next));
      begin = next;
    }
    pos = next;
  }
  SplitGpt2Range(text, begin, text.size(), ends);
}

void SplitLlama3(std::string_view text, std::vector<uint32_t>* ends) { SplitByLines<false>(text, 3, ends); }
void SplitQwen2(std::string_view text, std::vector<uint32_t>* ends) { SplitByLines<false>(text, 1, ends); }
void SplitQwen35(std::string_view text, std::vector<uint32_t>* ends) { SplitByLines<true>(text, 1, ends); }

}  // namespace zell::tokenizer::internal
