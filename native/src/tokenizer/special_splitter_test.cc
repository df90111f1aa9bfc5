// Which special token wins where, against the rule's plain definition.
#include "tokenizer/special_splitter.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "check.h"

namespace zell::tokenizer::internal {
namespace {

std::string Show(const std::vector<Fragment>& fragments) {
  std::string out;
  for (const Fragment& f : fragments) {
    if (f.token >= 0) {
      out.append("[").append(std::to_string(f.token)).append("]");
    } else {
      out.append("(").append(f.text).append(")");
    }
  }
  return out;
}

/// The rule as one would write it down: token after token, longest first, each cuts every stretch of text left over.
std::vector<Fragment> Definition(std::vector<SpecialSplitter::Entry> entries, std::string_view text, bool parse) {
  std::stable_sort(entries.begin(), entries.end(),
                   [](const auto& a, const auto& b) { return a.text.size() > b.text.size(); });
  std::vector<Fragment> fragments;
  if (!text.empty()) fragments.push_back({text, -1});
  for (const auto& entry : entries) {
    if (entry.needs_parse_special && !parse) continue;
    std::vector<Fragment> next;
    for (const Fragment& f : fragments) {
      std::string_view rest = f.text;
      for (size_t at; f.token < 0 && (at = rest.find(entry.text)) != rest.npos; rest.remove_prefix(entry.text.size())) {
        if (at > 0) next.push_back({rest.substr(0, at), -1});
        rest.remove_prefix(at);
        next.push_back({rest.substr(0, entry.text.size()), entry.token});
      }
      if (!rest.empty()) next.push_back({rest, f.token});
    }
    fragments = std::move(next);
  }
  return fragments;
}

}  // namespace

TEST(ControlTokensOnlyWhenAsked) {
  const SpecialSplitter splitter({{"<|im_start|>", 1, true}, {"<user>", 2, false}});
  CHECK_EQ(Show(splitter.Split("a<|im_start|><user>b", true)), "(a)[1][2](b)");
  CHECK_EQ(Show(splitter.Split("a<|im_start|><user>b", false)), "(a<|im_start|>)[2](b)");
  CHECK_EQ(Show(splitter.Split("", true)), "");
  CHECK_EQ(Show(splitter.Split("<user", true)), "(<user)");
  CHECK_EQ(Show(SpecialSplitter({}).Split("abc", true)), "(abc)");
}

TEST(OfEqualTextsTheFirstCounts) {
  const SpecialSplitter splitter({{"<x>", 1, true}, {"<x>", 2, false}});
  CHECK_EQ(Show(splitter.Split("<x>", true)), "[1]");
  CHECK_EQ(Show(splitter.Split("<x>", false)), "(<x>)");
}

TEST(LongestFirstEvenWhenItStartsLater) {
  const SpecialSplitter splitter({{"abc", 1, true}, {"bcdef", 2, true}, {"ab", 3, true}, {"a", 4, false}});
  CHECK_EQ(Show(splitter.Split("abcdef", true)), "[4][2]");
  CHECK_EQ(Show(splitter.Split("abcde", true)), "[1](de)");
  CHECK_EQ(Show(splitter.Split("abab", true)), "[3][3]");
  CHECK_EQ(Show(splitter.Split("abab", false)), "[4](b)[4](b)");
}

TEST(RunsAreTakenFromTheLeft) {
  const SpecialSplitter splitter({{"  ", 2, false}, {"   ", 3, false}, {"     ", 5, false}});
  CHECK_EQ(Show(splitter.Split("        ", false)), "[5][3]");
  CHECK_EQ(Show(splitter.Split("         x ", false)), "[5][3]( x )");
}

TEST(AgreesWithTheDefinition) {
  uint64_t state = 3;
  const auto next = [&](uint64_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % below;
  };
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> texts;
    for (uint64_t n = next(8); n > 0; --n) {
      std::string text;
      for (uint64_t i = 1 + next(5); i > 0; --i)
        text += static_cast<char>('a' + next(2 + static_cast<uint64_t>(round) % 2));
      // Of equal texts only the first counts; the definition knows nothing of that.
      if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
    }
    std::vector<SpecialSplitter::Entry> entries;
    for (size_t i = 0; i < texts.size(); ++i) entries.push_back({texts[i], static_cast<Token>(i), next(3) == 0});
    std::string text;
    for (uint64_t i = next(30); i > 0; --i) text += static_cast<char>('a' + next(3));
    const SpecialSplitter splitter(entries);
    for (const bool parse : {false, true}) {
      CHECK_EQ(Show(splitter.Split(text, parse)), Show(Definition(entries, text, parse)));
    }
  }
}

// Vocabularies have user-defined tokens for runs of spaces; a megabyte of them must neither take long nor much memory.
TEST(AMegabyteOfSpaces) {
  std::vector<std::string> texts;
  for (size_t n = 2; n <= 64; ++n) texts.emplace_back(n, ' ');
  std::vector<SpecialSplitter::Entry> entries;
  for (size_t i = 0; i < texts.size(); ++i) entries.push_back({texts[i], static_cast<Token>(i), false});
  const std::string text(1 << 20, ' ');
  const auto start = std::chrono::steady_clock::now();
  CHECK_EQ(SpecialSplitter(entries).Split(text, false).size(), size_t{1} << 14);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
}

}  // namespace zell::tokenizer::internal

ZELL_TEST_MAIN
