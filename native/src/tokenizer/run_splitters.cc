// Stages with one small pattern.
#include <algorithm>

#include "tokenizer/char_reader.h"
#include "tokenizer/isolate.h"
#include "tokenizer/splitters.h"

namespace zell::tokenizer::internal {
namespace {

constexpr ClassSet kNumber = Set(CharClass::kNumber);
constexpr ClassSet kSpace = Set(CharClass::kSpace);

bool IsDigit(const CharReader& reader, size_t pos) {
  const uint32_t c = reader.At(pos).code_point;
  return c >= '0' && c <= '9';
}

/// The end of at most `most` numbers from pos on.
size_t SkipDigits(const CharReader& reader, size_t pos, size_t most) {
  for (Char c = reader.At(pos); most > 0 && c.char_class == CharClass::kNumber; c = reader.At(pos), --most) {
    pos += c.length;
  }
  return pos;
}

/// `\s?` and a run of `wanted`, which has no white space in it.
size_t SkipSpaced(const CharReader& reader, size_t pos, ClassSet wanted) {
  const Char c = reader.At(pos);
  const size_t start = pos + (c.char_class == CharClass::kSpace ? c.length : 0);
  const size_t end = reader.Skip(start, wanted);
  return end > start ? end : pos;
}

bool IsPunctuationOrAsciiSymbol(const Char& c) {
  return c.char_class == CharClass::kPunctuation || (c.char_class == CharClass::kSymbol && c.code_point < 0x80);
}

}  // namespace

void SplitDigits(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return SkipDigits(r, pos, 1); });
}

void SplitDigitTriples(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return SkipDigits(r, pos, 3); });
}

void SplitNumbers(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return r.Skip(pos, kNumber); });
}

void SplitAsciiTriples(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) {
    return IsDigit(r, pos) && IsDigit(r, pos + 1) && IsDigit(r, pos + 2) ? pos + 3 : pos;
  });
}

void SplitThousands(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  const CharReader reader(text);
  const auto cut = [&](size_t pos) {
    if (pos > begin && (ends->empty() || ends->back() != pos)) ends->push_back(static_cast<uint32_t>(pos));
  };
  for (size_t pos = begin; pos < text.size();) {
    size_t end = pos;
    while (IsDigit(reader, end)) ++end;
    for (size_t group = end - (end - pos) / 3 * 3; group < end; group += 3) cut(group);
    pos = end + reader.At(end).length;
  }
  if (text.size() > begin) ends->push_back(static_cast<uint32_t>(text.size()));
}

void SplitTrailingThousands(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  const CharReader reader(text);
  size_t done = begin;
  const auto cut = [&](size_t pos) {
    ends->push_back(static_cast<uint32_t>(pos));
    done = pos;
  };
  for (size_t pos = begin; pos < text.size();) {
    size_t count = 0;
    const size_t end = reader.SkipWhile(pos, [&](const Char& c) {
      const bool number = c.char_class == CharClass::kNumber;
      count += number ? 1 : 0;
      return number;
    });
    if (count == 0) {
      pos += reader.At(pos).length;
      continue;
    }
    if (count % 3 != 0) cut(pos = SkipDigits(reader, pos, count % 3));
    while (pos < end) cut(pos = SkipDigits(reader, pos, 3));
  }
  if (text.size() > done) cut(text.size());
}

void SplitBreaks(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends,
          [](const CharReader& r, size_t pos) { return pos + (r.Is(pos, '\r') || r.Is(pos, '\n') ? 1 : 0); });
}

void SplitLines(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  for (size_t pos = begin; pos < text.size();) {
    const size_t end = text[pos] == '\n' ? text.find_first_not_of('\n', pos) : text.find('\n', pos);
    pos = std::min(end, text.size());
    ends->push_back(static_cast<uint32_t>(pos));
  }
}

void SplitNonSpace(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends,
          [](const CharReader& r, size_t pos) { return r.Skip(pos, ~Set(CharClass::kSpace, CharClass::kEnd)); });
}

void SplitFinalSpace(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  const CharReader reader(text);
  size_t start = text.size();
  for (size_t pos = begin; pos < text.size();) {
    const size_t end = reader.Skip(pos, kSpace);
    if (end > pos && end == text.size()) start = pos;
    pos = end + reader.At(end).length;
  }
  if (start > begin && start < text.size()) ends->push_back(static_cast<uint32_t>(start));
  if (text.size() > begin) ends->push_back(static_cast<uint32_t>(text.size()));
}

void SplitSpacedLetters(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends,
          [](const CharReader& r, size_t pos) { return SkipSpaced(r, pos, Set(CharClass::kLetter)); });
}

void SplitSpacedPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends,
          [](const CharReader& r, size_t pos) { return SkipSpaced(r, pos, Set(CharClass::kPunctuation)); });
}

void SplitFalconPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends,
          [](const CharReader& r, size_t pos) { return r.SkipWhile(pos, IsPunctuationOrAsciiSymbol); });
}

void SplitDefaultPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) {
    return r.SkipWhile(pos, [](const Char& c) { return IsPunctuationOrAsciiSymbol(c) && c.code_point != '`'; });
  });
}

void SplitEachPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) {
    const Char c = r.At(pos);
    return pos + (IsPunctuationOrAsciiSymbol(c) ? c.length : 0);
  });
}

void SplitSentinels(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) {
    constexpr std::string_view kStart = "<sentinel:";
    if (!r.StartsWith(pos, kStart)) return pos;
    const size_t digits = pos + kStart.size();
    size_t end = digits;
    while (IsDigit(r, end)) ++end;
    return end > digits && r.Is(end, '>') ? end + 1 : pos;
  });
}

void SplitImageTokens(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) {
    constexpr std::string_view kStart = "IMGIMG";
    if (!r.StartsWith(pos, kStart)) return pos;
    const size_t letters = pos + kStart.size();
    size_t end = letters;
    while (end - letters < 4 && r.At(end).code_point >= 'A' && r.At(end).code_point <= 'I') ++end;
    return end > letters && r.Is(end, 'Z') ? end + 1 : pos;
  });
}

void SplitIndents(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) {
    if (r.Is(pos, '\t') || r.Is(pos, '\n')) return pos + 1;
    if (r.StartsWith(pos, "    ")) return pos + 4;
    return r.StartsWith(pos, "  ") ? pos + 2 : pos;
  });
}

}  // namespace zell::tokenizer::internal
