// Stretches between borders, merged alone, are what merging the whole text gives.
#include "tokenizer/borders.h"

#include <limits>
#include <string>

#include "check.h"
#include "tokenizer/score_merger.h"
#include "tokenizer/stretch_merger.h"

namespace zell::tokenizer::internal {
namespace {

struct Random {
  uint32_t state = 5;
  uint32_t Next(uint32_t below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
  }
  std::string Text(size_t characters) {
    std::string text;
    const char* const letters[] = {"a", "b", "c", "é", "▁"};
    for (size_t i = 0; i < characters; ++i) text += letters[Next(5)];
    return text;
  }
};

}  // namespace

TEST(stretches_merge_to_what_the_whole_text_does) {
  for (const uint32_t count : {10u, 60u, 400u}) {
    Random random{count};
    SymbolTable symbols(1000);
    std::vector<float> scores(256, -std::numeric_limits<float>::infinity());
    std::vector<ByteTrie::Entry> entries;
    for (uint32_t i = 0; i < count; ++i) {
      const Symbol symbol = symbols.Intern(random.Text(2 + random.Next(4)));
      // Few different ones, zero with both signs among them, so that ties are frequent.
      if (symbol == scores.size()) scores.push_back(static_cast<float>(random.Next(7)) * (i % 2 == 0 ? 0.5F : -0.5F));
    }
    for (Symbol symbol = 256; symbol < symbols.size(); ++symbol) {
      entries.push_back({symbols.bytes(symbol), static_cast<Token>(symbol)});
    }
    const ByteTrie trie(std::move(entries));
    ScoreMerger whole(symbols, scores);
    StretchMerger merger(scores);
    Borders borders(trie, symbols.longest());
    for (int round = 0; round < 20; ++round) {
      const std::string text = random.Text(200);
      std::vector<uint32_t> ends;
      borders.Start(text);
      for (size_t begin = 0; begin < text.size();) {
        const size_t end = borders.Next();
        CHECK(borders.all_known());
        for (const StretchMerger::Piece& piece : merger.Run(borders)) {
          ends.push_back(static_cast<uint32_t>(begin) + piece.start + piece.bytes);
          const std::string_view bytes = std::string_view(text).substr(begin + piece.start, piece.bytes);
          const Symbol symbol = symbols.Find(bytes);
          CHECK_EQ(piece.symbol, symbol == kNoSymbol || symbol < 256 ? -1 : static_cast<Token>(symbol));
        }
        begin = end;
      }
      CHECK(ends == whole.Run(text));
    }
  }
}

TEST(no_border_where_a_token_may_be_longer_than_is_looked_at) {
  const std::string token(100, 'a');
  const ByteTrie trie({{token, 1}, {"aa", 2}});
  Borders borders(trie, token.size());
  const std::string text = "bb" + token + "b";
  borders.Start(text);
  CHECK_EQ(borders.Next(), 1u);
  CHECK_EQ(borders.Next(), 2u);
  CHECK(borders.all_known());
  // As far as a token might go that begins where 64 bytes of one were seen.
  CHECK_EQ(borders.Next(), text.size());
  CHECK(!borders.all_known());
}

}  // namespace zell::tokenizer::internal

ZELL_TEST_MAIN
