// Words of each family, at the places where the families differ.
#include "tokenizer/splitters.h"

#include <chrono>
#include <string>

#include "check.h"

namespace zell::tokenizer::internal {
namespace {

/// The words joined by '|', which no text here contains.
std::string Words(Splitter split, std::string_view text) {
  std::vector<uint32_t> ends;
  split(text, &ends);
  std::string words;
  uint32_t begin = 0;
  for (const uint32_t end : ends) {
    if (begin > 0) words += '|';
    words += text.substr(begin, end - begin);
    begin = end;
  }
  return words;
}

constexpr Splitter kAll[] = {SplitGpt2, SplitDigitsThenGpt2, SplitLlama3, SplitQwen2, SplitQwen35};

}  // namespace

TEST(Gpt2Words) {
  CHECK_EQ(Words(SplitGpt2, "Hello world, it's 2024!"), "Hello| world|,| it|'s| 2024|!");
  CHECK_EQ(Words(SplitGpt2, "a  b   c"), "a| | b|  | c");
  CHECK_EQ(Words(SplitGpt2, "x \n\n y  "), "x| \n\n| y|  ");
  CHECK_EQ(Words(SplitGpt2, "IT'S we'd 'll're'x"), "IT|'|S| we|'d| '|ll|'re|'|x");
  CHECK_EQ(Words(SplitGpt2, "\tx"), "\t|x");
  CHECK_EQ(Words(SplitGpt2, "é½ ½a"), "é|½| ½|a");
  CHECK_EQ(Words(SplitGpt2, "'"), "'");
  CHECK_EQ(Words(SplitGpt2, " '"), " '");
  CHECK_EQ(Words(SplitGpt2, "e\xCC\x81t"), "e|\xCC\x81|t");  // a combining mark is no letter
  CHECK_EQ(Words(SplitGpt2, ""), "");
}

TEST(SingleDigitsEndALookahead) {
  CHECK_EQ(Words(SplitDigitsThenGpt2, "a 123b"), "a| |1|2|3|b");
  // Before a number the spaces stay together: look-ahead ends where the number begins.
  CHECK_EQ(Words(SplitDigitsThenGpt2, "   1   x"), "   |1|  | x");
  CHECK_EQ(Words(SplitDigitsThenGpt2, "'1s"), "'|1|s");
  CHECK_EQ(Words(SplitDigitsThenGpt2, "٣½"), "٣|½");
}

TEST(Llama3Words) {
  CHECK_EQ(Words(SplitLlama3, "12345678"), "123|456|78");
  CHECK_EQ(Words(SplitLlama3, "a 12"), "a| |12");
  CHECK_EQ(Words(SplitLlama3, "IT'S CAN'T'VE"), "IT|'S| CAN|'T|'VE");
  CHECK_EQ(Words(SplitLlama3, "\tfoo.bar(x)\r\n\n  y"), "\tfoo|.bar|(x|)\r\n\n| | y");
  CHECK_EQ(Words(SplitLlama3, "  \n  \n  z"), "  \n  \n| | z");
  CHECK_EQ(Words(SplitLlama3, "\nfoo"), "\n|foo");
  CHECK_EQ(Words(SplitLlama3, "a !!\n\n b  "), "a| !!\n\n| b|  ");
  CHECK_EQ(Words(SplitLlama3, " "), " ");
}

TEST(Qwen2TakesSingleDigits) {
  CHECK_EQ(Words(SplitQwen2, "a 123"), "a| |1|2|3");
  CHECK_EQ(Words(SplitQwen2, "e\xCC\x81t"), "e|\xCC\x81t");
  CHECK_EQ(Words(SplitQwen35, "e\xCC\x81t"), "e\xCC\x81t");
}

TEST(InvalidBytesAreCharactersOfTheirOwn) {
  CHECK_EQ(Words(SplitGpt2, "a\xFF\xC3 b"), "a|\xFF\xC3| b");
  CHECK_EQ(Words(SplitLlama3, "\xFFz"), "\xFFz");
  CHECK_EQ(Words(SplitDigitsThenGpt2,
                 "\xE2\x82"
                 "1"),
           "\xE2\x82|1");
}

TEST(WordsCoverAnyBytes) {
  uint64_t state = 88172645463325252;
  for (int round = 0; round < 2000; ++round) {
    std::string text;
    for (int i = 0; i < round % 40; ++i) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      text += state % 3 == 0 ? "\xE3\x80 '\n1s\xC2\xA0"[state >> 8 & 7] : static_cast<char>(state >> 16);
    }
    for (const Splitter split : kAll) {
      std::vector<uint32_t> ends;
      split(text, &ends);
      uint32_t before = 0;
      for (const uint32_t end : ends) {
        REQUIRE(end > before);
        before = end;
      }
      CHECK_EQ(size_t{before}, text.size());
    }
  }
}

TEST(LongRunsTakeLinearTime) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string_view unit : {" ", "\n", "a", "1", "'", " \n", "\t1", "\xC2\xA0", "\xFF"}) {
    std::string text;
    while (text.size() < 1 << 20) text += unit;
    for (const Splitter split : kAll) {
      std::vector<uint32_t> ends;
      split(text, &ends);
      CHECK_EQ(size_t{ends.back()}, text.size());
    }
  }
  // 45 MB in all; a quadratic splitter would need minutes for the first run.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

}  // namespace zell::tokenizer::internal

ZELL_TEST_MAIN
