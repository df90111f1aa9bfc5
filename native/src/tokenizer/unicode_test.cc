// Character classes at the borders of their ranges, and strict UTF-8.
#include "tokenizer/unicode.h"

#include <string>

#include "check.h"

namespace zell::tokenizer::internal {

TEST(ClassesOfCharacters) {
  struct Row {
    uint32_t code_point;
    CharClass char_class;
  };
  constexpr CharClass kO = CharClass::kOther, kL = CharClass::kLetter, kN = CharClass::kNumber, kS = CharClass::kSpace,
                      kM = CharClass::kMark, kP = CharClass::kPunctuation, kY = CharClass::kSymbol,
                      kC = CharClass::kControl;
  const Row rows[] = {
      {0, kC},        {9, kS},        {13, kS},         {14, kC},      {0x1C, kC},    {' ', kS},     {'!', kP},
      {'0', kN},      {'9', kN},      {':', kP},        {'A', kL},     {'_', kP},     {'z', kL},     {0x85, kS},
      {0xA0, kS},     {0xAA, kL},     {0xAD, kC},       {0xB2, kN},    {0xD7, kY},    {0x300, kM},   {0x36F, kM},
      {0x370, kL},    {0x660, kN},    {0x903, kM},      {0x1680, kS},  {0x180E, kC},  {0x200A, kS},  {0x200B, kC},
      {0x2028, kS},   {0x2160, kN},   {0x2460, kN},     {0x3000, kS},  {0x3042, kL},  {0x4E00, kL},  {0x9FFF, kL},
      {0xAC00, kL},   {0xD7A3, kL},   {0xD7A4, kO},     {0xE000, kC},  {0xFEFF, kC},  {0xFFFD, kY},  {0x1D7D8, kN},
      {0x1F600, kY},  {0x20000, kL},  {0x2A6DF, kL},    {0x2EBF0, kL}, {0x2EE5E, kO}, {0xE0100, kM}, {0xE01F0, kO},
      {0x10FFFF, kO}, {0x110000, kO}, {0xFFFFFFFF, kO},
  };
  for (const Row& row : rows) {
    if (ClassOf(row.code_point) != row.char_class) test::Fail(__FILE__, __LINE__, std::to_string(row.code_point));
  }
}

// How many characters each class has in Unicode 15.1 pins the generated table as a whole.
TEST(ClassesHaveTheSizesOfUnicode15_1) {
  size_t counts[9] = {};
  for (uint32_t c = 0; c <= 0x10FFFF; ++c) ++counts[static_cast<size_t>(ClassOf(c))];
  CHECK_EQ(counts[static_cast<size_t>(CharClass::kLetter)], 136726u);
  CHECK_EQ(counts[static_cast<size_t>(CharClass::kNumber)], 1831u);
  CHECK_EQ(counts[static_cast<size_t>(CharClass::kMark)], 2450u);
  CHECK_EQ(counts[static_cast<size_t>(CharClass::kSpace)], 25u);
  CHECK_EQ(counts[static_cast<size_t>(CharClass::kPunctuation)], 842u);
  CHECK_EQ(counts[static_cast<size_t>(CharClass::kSymbol)], 7775u);
  CHECK_EQ(counts[static_cast<size_t>(CharClass::kControl)], 139745u);
}

TEST(LowerCaseAndBaseLetters) {
  for (const auto& [upper, lower] : {std::pair('A', 'a'), {'z', 'z'}, {'[', '['}, {'@', '@'}}) {
    CHECK_EQ(LowerOf(static_cast<uint32_t>(upper)), static_cast<uint32_t>(lower));
  }
  CHECK_EQ(LowerOf(0xC9), 0xE9u);    // É
  CHECK_EQ(LowerOf(0xD7), 0xD7u);    // between ranges
  CHECK_EQ(LowerOf(0x101), 0x101u);  // every other one of a range
  CHECK_EQ(LowerOf(0x100), 0x101u);
  CHECK_EQ(LowerOf(0x130), 0x69u);       // İ
  CHECK_EQ(LowerOf(0x1E921), 0x1E943u);  // the last one
  CHECK_EQ(BaseOf(0xE9), uint32_t{'e'});
  CHECK_EQ(BaseOf(0x1EA4), uint32_t{'A'});
  CHECK_EQ(BaseOf(0xAC01), 0x1100u);  // a Hangul syllable's leading consonant
  CHECK_EQ(BaseOf(0x4E00), 0x4E00u);
  std::string text;
  for (const uint32_t c : {0x41u, 0xE9u, 0x4E00u, 0x1F600u}) AppendUtf8(c, &text);
  CHECK_EQ(text, "Aé一😀");
}

TEST(DecodesValidCharacters) {
  struct Row {
    const char* text;
    uint32_t code_point;
  };
  for (const Row& row : {Row{"a", 'a'}, Row{"\xC2\x80", 0x80}, Row{"\xDF\xBF", 0x7FF}, Row{"\xE0\xA0\x80", 0x800},
                         Row{"\xED\x9F\xBF", 0xD7FF}, Row{"\xEF\xBF\xBF", 0xFFFF}, Row{"\xF0\x90\x80\x80", 0x10000},
                         Row{"\xF4\x8F\xBF\xBF", 0x10FFFF}}) {
    const Utf8Char c = DecodeUtf8(row.text, 0);
    CHECK(c.valid);
    CHECK_EQ(c.code_point, row.code_point);
    CHECK_EQ(size_t{c.length}, std::strlen(row.text));
  }
}

TEST(RefusesEverythingElseByteByByte) {
  for (const char* text : {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x20", "\xE0\x9F\xBF", "\xE2\x82",
                           "\xE2\x28\xA1", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x98",
                           "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    const Utf8Char c = DecodeUtf8(text, 0);
    CHECK(!c.valid);
    CHECK_EQ(int{c.length}, 1);
    CHECK_EQ(c.code_point, kReplacement);
  }
}

}  // namespace zell::tokenizer::internal

ZELL_TEST_MAIN
