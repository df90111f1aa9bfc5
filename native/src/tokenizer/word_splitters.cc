// The patterns that know letters, numbers, symbols and white space. Each alternative of a pattern is one block, in the
// pattern's order.
#include <algorithm>

#include "tokenizer/char_reader.h"
#include "tokenizer/isolate.h"
#include "tokenizer/splitters.h"

namespace zell::tokenizer::internal {
namespace {

constexpr ClassSet kLetter = Set(CharClass::kLetter);
constexpr ClassSet kLetterOrMark = Set(CharClass::kLetter, CharClass::kMark);
constexpr ClassSet kSymbols = Set(CharClass::kPunctuation, CharClass::kSymbol);
/// [^\s\p{L}\p{N}]
constexpr ClassSet kOthers = ~Set(CharClass::kSpace, CharClass::kLetter, CharClass::kNumber, CharClass::kEnd);

/// What counts as one word of letters.
enum class Letters : uint8_t { kPlain, kCased, kPhrases };
/// What sticks to the end of symbols.
enum class Tail : uint8_t { kNone, kBreaks, kBreaksAndSlashes, kOneBreakOrSlash };

struct WordRules {
  Letters letters = Letters::kPlain;
  ClassSet letter_set = kLetter;
  ClassSet other_set = kOthers;
  uint32_t digits = 1;  ///< most numbers in a word; 0: any
  Tail tail = Tail::kBreaks;
  bool contraction_first = true;   ///< a contraction is a word
  bool contraction_after = false;  ///< a contraction ends a word of letters
  bool han_apart = false;          ///< runs of Han are words, and never part of others
  bool spaces_in_powers = false;
};

bool IsHan(uint32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2EBEF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

template <WordRules kRules>
class WordReader : public CharReader {
 public:
  using CharReader::CharReader;

  bool IsLetter(const Char& c) const {
    return Has(kRules.letter_set, c.char_class) && !(kRules.han_apart && IsHan(c.code_point));
  }
  /// The end of a word of letters whose first letter would be at pos; pos when there is none.
  size_t EndOfLetters(size_t pos) const {
    size_t end = pos;
    if constexpr (kRules.letters == Letters::kPlain) {
      end = SkipWhile(pos, [this](const Char& c) { return IsLetter(c); });
    } else if constexpr (kRules.letters == Letters::kPhrases) {
      end = EndOfPhrase(pos);
    } else {
      end = EndOfCased(pos, false);
    }
    return kRules.contraction_after && end > pos ? end + ContractionAt(end) : end;
  }
  size_t ContractionAt(size_t pos) const { return Is(pos, '\'') ? Contraction(pos, true) : 0; }

  /// [^a-z]*[^A-Z]+ of letters, else, unless `only_lower`, [^a-z]+[^A-Z]*: letters beyond ASCII count as both cases.
  size_t EndOfCased(size_t pos, bool only_lower) const {
    size_t last_both = pos;
    size_t end = pos;
    Char c = At(end);
    for (; IsLetter(c) && !IsAsciiLower(c); c = At(end)) {
      end += c.length;
      if (c.code_point >= 0x80) last_both = end;
    }
    if (IsAsciiLower(c)) return SkipWhile(end, [this](const Char& l) { return IsLetter(l) && !IsAsciiUpper(l); });
    return last_both > pos || only_lower ? last_both : end;
  }

 private:
  static bool IsAsciiLower(const Char& c) { return c.code_point >= 'a' && c.code_point <= 'z'; }
  static bool IsAsciiUpper(const Char& c) { return c.code_point >= 'A' && c.code_point <= 'Z'; }

  /// \p{L}\p{M}*(?: ?\p{L}\p{M}*)*
  size_t EndOfPhrase(size_t pos) const {
    while (IsLetter(At(pos))) {
      pos = Skip(pos + At(pos).length, Set(CharClass::kMark));
      if (Is(pos, ' ') && IsLetter(At(pos + 1))) ++pos;
    }
    return pos;
  }
};

/// White space without line breaks, in the largest powers of two that fit, short of the last character when a word
/// follows. Appends all but the last piece and gives that one's end.
size_t CutInPowers(const CharReader& reader, size_t pos, size_t end, std::vector<uint32_t>* ends) {
  size_t left = 0;
  for (size_t p = pos; p < end; ++left) p += reader.At(p).length;
  const size_t kept = end < reader.size() ? 1 : 0;  // characters that the word behind may claim
  while (left > kept) {
    size_t piece = 512;
    while (piece > 1 && piece > left - kept) piece /= 2;
    for (size_t i = 0; i < piece; ++i) pos += reader.At(pos).length;
    left -= piece;
    if (left > kept) ends->push_back(static_cast<uint32_t>(pos));
  }
  return pos;
}

template <WordRules kRules>
void SplitWords(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  const WordReader<kRules> reader(text);
  for (size_t pos = begin; pos < text.size(); ends->push_back(static_cast<uint32_t>(pos))) {
    const Char c = reader.At(pos);
    const bool space = c.code_point == ' ';
    if (kRules.contraction_first && c.code_point == '\'') {
      if (const size_t length = reader.Contraction(pos, true)) {
        pos += length;
        continue;
      }
    }
    if (kRules.han_apart && c.code_point >= 0x80 && IsHan(c.code_point)) {
      pos = reader.SkipWhile(pos, [](const Char& h) { return IsHan(h.code_point); });
      continue;
    }
    // [^\r\n\p{L}\p{N}]? and a word of letters
    const size_t behind = pos + c.length;
    const bool may_lead = !Has(Set(CharClass::kLetter, CharClass::kNumber), c.char_class) && !IsBreak(c);
    if (may_lead && reader.IsLetter(reader.At(behind))) {
      // A mark that may be a letter itself leads only if what follows can end in lower case.
      const bool is_letter = kRules.letters == Letters::kCased && reader.IsLetter(c);
      if (!is_letter || reader.EndOfCased(behind, true) > behind) {
        pos = reader.EndOfLetters(behind);
        continue;
      }
    }
    if (reader.IsLetter(c)) {
      pos = reader.EndOfLetters(pos);
      continue;
    }
    if (c.char_class == CharClass::kNumber) {
      Char digit = c;
      for (size_t n = 0; (kRules.digits == 0 || n < kRules.digits) && digit.char_class == CharClass::kNumber; ++n) {
        pos += digit.length;
        digit = reader.At(pos);
      }
      continue;
    }
    // ` ?[^\s\p{L}\p{N}]+` and its tail
    const size_t start = pos + (space ? 1 : 0);
    if (Has(kRules.other_set, reader.At(start).char_class)) {
      pos = reader.Skip(start, kRules.other_set);
      const auto sticks = [&] {
        return reader.Is(pos, '\r') || reader.Is(pos, '\n') ||
               (kRules.tail >= Tail::kBreaksAndSlashes && reader.Is(pos, '/'));
      };
      if (kRules.tail == Tail::kOneBreakOrSlash) {
        pos += sticks() ? 1 : 0;
      } else {
        while (kRules.tail != Tail::kNone && sticks()) ++pos;
      }
      continue;
    }
    const Space run = reader.ReadSpace(pos);
    if (run.break_end > 0) {
      pos = run.break_end;
    } else {
      pos = kRules.spaces_in_powers && run.last > pos ? CutInPowers(reader, pos, run.end, ends)
                                                      : reader.EndOfSpaces(run, pos);
    }
  }
}

/// The end of a match of SplitDeepseek3 or, with `breaks_alone`, of SplitSpark at pos; pos when none starts there.
size_t MatchDeepseek3(const CharReader& reader, size_t pos, bool breaks_alone) {
  const auto is_ascii_letter = [](const Char& c) { return c.char_class == CharClass::kLetter && c.code_point < 0x80; };
  const Char c = reader.At(pos);
  const size_t behind = pos + c.length;
  const Char next = reader.At(behind);
  if (c.code_point < 0x80 && Has(kSymbols, c.char_class) && is_ascii_letter(next)) {
    return reader.SkipWhile(behind, is_ascii_letter);
  }
  if (Has(kLetterOrMark, c.char_class)) return reader.Skip(pos, kLetterOrMark);
  if (!Has(kSymbols, c.char_class) && !IsBreak(c) && Has(kLetterOrMark, next.char_class)) {
    return reader.Skip(behind, kLetterOrMark);
  }
  const size_t start = pos + (c.code_point == ' ' ? 1 : 0);
  if (Has(kSymbols, reader.At(start).char_class)) {
    size_t end = reader.Skip(start, kSymbols);
    while (!breaks_alone && (reader.Is(end, '\r') || reader.Is(end, '\n'))) ++end;
    return end;
  }
  if (c.char_class != CharClass::kSpace) return pos;
  if (!breaks_alone) return reader.EndOfLinesOrSpaces(pos);
  return IsBreak(c) ? pos + 1 : reader.EndOfSpaces(reader.ReadSpace(pos), pos);
}

}  // namespace

void SplitGpt2(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  const CharReader reader(text);
  for (size_t pos = begin; pos < text.size(); ends->push_back(static_cast<uint32_t>(pos))) {
    const Char c = reader.At(pos);
    if (c.code_point == '\'') {
      if (const size_t length = reader.Contraction(pos, false)) {
        pos += length;
        continue;
      }
    }
    const size_t start = pos + (c.code_point == ' ' ? 1 : 0);
    const CharClass lead = c.code_point == ' ' ? reader.At(start).char_class : c.char_class;
    if (lead != CharClass::kSpace && lead != CharClass::kEnd) {
      pos = reader.Skip(start, Has(kOthers, lead) ? kOthers : Set(lead));
      continue;
    }
    pos = reader.EndOfSpaces(reader.ReadSpace(pos), pos);
  }
}

void SplitLlama3(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.digits = 3}>(text, begin, ends);
}
void SplitQwen2(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{}>(text, begin, ends);
}
void SplitQwen35(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.letter_set = kLetterOrMark, .other_set = kOthers & ~Set(CharClass::kMark)}>(text, begin, ends);
}
void SplitUfakzeka(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.contraction_first = false}>(text, begin, ends);
}
void SplitSeedCoder(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.tail = Tail::kNone}>(text, begin, ends);
}
void SplitMinicpm5(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.digits = 0}>(text, begin, ends);
}
void SplitJais2(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.digits = 3, .spaces_in_powers = true}>(text, begin, ends);
}
void SplitExaoneMoe(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.letters = Letters::kPhrases, .tail = Tail::kOneBreakOrSlash}>(text, begin, ends);
}
void SplitTekken(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.letters = Letters::kCased, .tail = Tail::kBreaksAndSlashes, .contraction_first = false}>(
      text, begin, ends);
}
void SplitGpt4o(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.letters = Letters::kCased,
                       .digits = 3,
                       .tail = Tail::kBreaksAndSlashes,
                       .contraction_first = false,
                       .contraction_after = true}>(text, begin, ends);
}
void SplitGpt4oMarks(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.letters = Letters::kCased,
                       .letter_set = kLetterOrMark,
                       .digits = 3,
                       .tail = Tail::kBreaksAndSlashes,
                       .contraction_first = false,
                       .contraction_after = true}>(text, begin, ends);
}
void SplitTinyAya(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.letter_set = kLetterOrMark,
                       .digits = 3,
                       .tail = Tail::kBreaksAndSlashes,
                       .contraction_first = false,
                       .contraction_after = true}>(text, begin, ends);
}
void SplitYoutu(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.letter_set = kLetterOrMark,
                       .tail = Tail::kBreaksAndSlashes,
                       .contraction_first = false,
                       .contraction_after = true}>(text, begin, ends);
}
void SplitKimiK2(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  SplitWords<WordRules{.digits = 3, .contraction_first = false, .contraction_after = true, .han_apart = true}>(
      text, begin, ends);
}
void SplitDeepseek3(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return MatchDeepseek3(r, pos, false); });
}
void SplitSpark(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return MatchDeepseek3(r, pos, true); });
}

}  // namespace zell::tokenizer::internal
