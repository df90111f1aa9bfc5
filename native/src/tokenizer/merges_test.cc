// The merge loop against its definition, and its time on one endless word.
#include "tokenizer/merges.h"

#include <chrono>
#include <string>

#include "check.h"

namespace zell::tokenizer::internal {
namespace {

struct Fixture {
  SymbolTable symbols{1000};
  MergeTable merges{1000};
  uint32_t rank = 0;

  void Add(std::string_view left, std::string_view right) {
    const std::string result = std::string(left) + std::string(right);
    merges.Add(symbols.Intern(left), symbols.Intern(right), {rank++, symbols.Intern(result)});
  }
  std::string Run(std::string_view word) {
    WordMerger merger(merges);
    std::string out;
    for (const Symbol s : merger.Run(word)) out += std::string(out.empty() ? "" : "|") + std::string(symbols.bytes(s));
    return out;
  }
  /// By the book: find the lowest rank, leftmost first, merge, start again.
  std::vector<Symbol> Definition(std::string_view word) const {
    std::vector<Symbol> line;
    for (const char c : word) line.push_back(static_cast<uint8_t>(c));
    for (;;) {
      const Merge* best = nullptr;
      size_t at = 0;
      for (size_t i = 0; i + 1 < line.size(); ++i) {
        const Merge* merge = merges.Find(line[i], line[i + 1]);
        if (merge != nullptr && (best == nullptr || merge->rank < best->rank)) best = merge, at = i;
      }
      if (best == nullptr) return line;
      line[at] = best->result;
      line.erase(line.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
  }
};

}  // namespace

TEST(LowestRankFirst) {
  Fixture f;
  f.Add("b", "c");
  f.Add("a", "b");
  f.Add("a", "bc");
  CHECK_EQ(f.Run("abc"), "abc");
  CHECK_EQ(f.Run("ab"), "ab");
  CHECK_EQ(f.Run("abab"), "ab|ab");
  CHECK_EQ(f.Run("x"), "x");
}

TEST(EqualRanksFromTheLeft) {
  Fixture f;
  f.Add("a", "a");
  CHECK_EQ(f.Run("aaa"), "aa|a");
  CHECK_EQ(f.Run("aaaaa"), "aa|aa|a");
}

TEST(TheFirstOfTwoEqualMergesCounts) {
  Fixture f;
  f.Add("a", "b");
  f.Add("b", "c");
  f.Add("a", "b");
  CHECK_EQ(f.Run("abc"), "ab|c");
}

TEST(AgreesWithTheDefinition) {
  uint64_t state = 7;
  const auto next = [&](uint64_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (state >> 33) % below;
  };
  for (int round = 0; round < 60; ++round) {
    Fixture f;
    std::vector<std::string> known = {"a", "b", "c"};
    for (int i = 0; i < 40; ++i) {
      const std::string left = known[next(known.size())], right = known[next(known.size())];
      if (left.size() + right.size() > 12) continue;
      f.Add(left, right);
      known.push_back(left + right);
    }
    WordMerger merger(f.merges);
    for (const size_t length : {1, 2, 3, 7, 20, 47, 48, 49, 50, 120, 300}) {
      std::string word;
      for (size_t i = 0; i < length; ++i) word += static_cast<char>('a' + next(3));
      CHECK(merger.Run(word) == f.Definition(word));
    }
  }
}

TEST(OneEndlessWord) {
  Fixture f;
  for (std::string run = "a"; run.size() < 64; run += run) f.Add(run, run);
  f.Add("b", "a");
  WordMerger merger(f.merges);
  for (const std::string_view unit : {"a", "ba", "ab"}) {
    std::string word;
    while (word.size() < 1 << 20) word += unit;
    const auto start = std::chrono::steady_clock::now();
    CHECK(!merger.Run(word).empty());
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("  1 MiB of %s: %.0f ms\n", std::string(unit).c_str(), seconds.count() * 1e3);
    CHECK(seconds.count() < 10);  // the aim is well below one second; sanitizers and a busy machine get the rest
  }
}

TEST(SymbolTableGrowsAndFinds) {
  SymbolTable symbols(1);
  std::vector<Symbol> ids;
  for (int i = 0; i < 5000; ++i) ids.push_back(symbols.Intern("symbol " + std::to_string(i * 7919)));
  for (int i = 0; i < 5000; ++i)
    CHECK_EQ(symbols.Find("symbol " + std::to_string(i * 7919)), ids[static_cast<size_t>(i)]);
  CHECK_EQ(symbols.Find("symbol 1"), kNoSymbol);
  CHECK_EQ(symbols.Find(""), kNoSymbol);
  CHECK_EQ(symbols.Find("a"), Symbol{'a'});
  CHECK_EQ(symbols.Find(std::string(1000, 'x')), kNoSymbol);
}

}  // namespace zell::tokenizer::internal

ZELL_TEST_MAIN
