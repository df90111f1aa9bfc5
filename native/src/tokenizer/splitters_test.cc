// Words of each family, at the places where the families differ.
#include "tokenizer/pretokenizer.h"

#include <chrono>
#include <string>

#include "check.h"

namespace zell::tokenizer::internal {
namespace {

constexpr size_t kRunBytes = 1 << 18;

/// The words joined by '|', which no text here contains.
std::string Words(std::string_view pre, std::string_view text) {
  const Pretokenizer* pretokenizer = FindPretokenizer(pre);
  if (pretokenizer == nullptr) return "no such pre-tokenizer";
  std::vector<uint32_t> ends, scratch;
  pretokenizer->Split(text, &ends, &scratch);
  std::string words;
  uint32_t begin = 0;
  for (const uint32_t end : ends) {
    if (begin > 0) words += '|';
    words += text.substr(begin, end - begin);
    begin = end;
  }
  return words;
}

}  // namespace

TEST(Gpt2Words) {
  CHECK_EQ(Words("gpt-2", "Hello world, it's 2024!"), "Hello| world|,| it|'s| 2024|!");
  CHECK_EQ(Words("gpt-2", "a  b   c"), "a| | b|  | c");
  CHECK_EQ(Words("gpt-2", "x \n\n y  "), "x| \n\n| y|  ");
  CHECK_EQ(Words("gpt-2", "IT'S we'd 'll're'x"), "IT|'|S| we|'d| '|ll|'re|'|x");
  CHECK_EQ(Words("gpt-2", "\tx"), "\t|x");
  CHECK_EQ(Words("gpt-2", "é½ ½a"), "é|½| ½|a");
  CHECK_EQ(Words("gpt-2", "'"), "'");
  CHECK_EQ(Words("gpt-2", " '"), " '");
  CHECK_EQ(Words("gpt-2", "e\xCC\x81t"), "e|\xCC\x81|t");  // a combining mark is no letter
  CHECK_EQ(Words("gpt-2", ""), "");
}

TEST(SingleDigitsEndALookahead) {
  CHECK_EQ(Words("smollm", "a 123b"), "a| |1|2|3|b");
  // Before a number the spaces stay together: look-ahead ends where the number begins.
  CHECK_EQ(Words("smollm", "   1   x"), "   |1|  | x");
  CHECK_EQ(Words("smollm", "'1s"), "'|1|s");
  CHECK_EQ(Words("smollm", "٣½"), "٣|½");
}

TEST(Llama3Words) {
  CHECK_EQ(Words("llama-bpe", "12345678"), "123|456|78");
  CHECK_EQ(Words("llama-bpe", "a 12"), "a| |12");
  CHECK_EQ(Words("llama-bpe", "IT'S CAN'T'VE"), "IT|'S| CAN|'T|'VE");
  CHECK_EQ(Words("llama-bpe", "\tfoo.bar(x)\r\n\n  y"), "\tfoo|.bar|(x|)\r\n\n| | y");
  CHECK_EQ(Words("llama-bpe", "  \n  \n  z"), "  \n  \n| | z");
  CHECK_EQ(Words("llama-bpe", "\nfoo"), "\n|foo");
  CHECK_EQ(Words("llama-bpe", "a !!\n\n b  "), "a| !!\n\n| b|  ");
  CHECK_EQ(Words("llama-bpe", " "), " ");
}

TEST(Qwen2TakesSingleDigits) {
  CHECK_EQ(Words("qwen2", "a 123"), "a| |1|2|3");
  CHECK_EQ(Words("qwen2", "e\xCC\x81t"), "e|\xCC\x81t");
  CHECK_EQ(Words("qwen35", "e\xCC\x81t"), "e\xCC\x81t");
}

TEST(InvalidBytesAreCharactersOfTheirOwn) {
  CHECK_EQ(Words("gpt-2", "a\xFF\xC3 b"), "a|\xFF\xC3| b");
  CHECK_EQ(Words("llama-bpe", "\xFFz"), "\xFFz");
  CHECK_EQ(Words("smollm",
                 "\xE2\x82"
                 "1"),
           "\xE2\x82|1");
}

TEST(WordsCoverAnyBytes) {
  uint64_t state = 88172645463325252;
  std::vector<uint32_t> ends, scratch;
  for (int round = 0; round < 1000; ++round) {
    std::string text;
    for (int i = 0; i < round % 40; ++i) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      text += state % 3 == 0 ? "\xE3\x80 '\n1s\xC2\xA0"[state >> 8 & 7] : static_cast<char>(state >> 16);
    }
    for (const Pretokenizer& pretokenizer : AllPretokenizers()) {
      pretokenizer.Split(text, &ends, &scratch);
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
  std::vector<uint32_t> ends, scratch;
  for (const std::string_view unit : {" ", "\n", "a", "A", "1", "'", " \n", "\t1", "a ", "\xC2\xA0", "\xFF", "\xCC\x81",
                                      "\xC3\x89", "!", "<sentinel:", "IMG", "\xE4\xB8\x80"}) {
    std::string text;
    while (text.size() < kRunBytes) text += unit;
    text += "x ";
    for (const Pretokenizer& pretokenizer : AllPretokenizers()) {
      pretokenizer.Split(text, &ends, &scratch);
      CHECK_EQ(size_t{ends.back()}, text.size());
    }
  }
  // A quadratic splitter would need minutes for its first run.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}

}  // namespace zell::tokenizer::internal

ZELL_TEST_MAIN
