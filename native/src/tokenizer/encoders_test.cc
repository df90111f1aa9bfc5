// The tokenizer models beside BPE on small vocabularies, and what hostile ones may hold.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "check.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/tokenizer.h"

namespace zell::tokenizer {
namespace {

using base::StatusCode;

VocabularySpec Spec(const std::string& model, std::vector<std::string> tokens, std::vector<float> scores = {}) {
  VocabularySpec spec;
  spec.model = model;
  spec.tokens = std::move(tokens);
  spec.scores = std::move(scores);
  spec.kinds.assign(spec.tokens.size(), TokenKind::kNormal);
  return spec;
}

VocabularySpec SpmSpec() {
  VocabularySpec spec =
      Spec("llama", {"<unk>", "<s>", "</s>", "▁", "a", "b", "ab", "▁a", "▁ab", "ba", "aa", "aaaa", "▁▁"},
           {0, 0, 0, -9, -8, -8, -3, -2, -4, -1, -5, -6, -7});
  spec.kinds[0] = TokenKind::kUnknown;
  spec.kinds[1] = spec.kinds[2] = TokenKind::kControl;
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    spec.tokens.push_back(name);
    spec.kinds.push_back(TokenKind::kByte);
    spec.scores.push_back(0);
  }
  return spec;
}

std::unique_ptr<Tokenizer> Make(VocabularySpec spec) {
  auto made = Tokenizer::Create(std::move(spec));
  if (!made.ok()) test::Fail(__FILE__, __LINE__, made.status().message);
  return made.ok() ? std::move(*made) : nullptr;
}

std::string Show(const Tokenizer& t, std::string_view text) {
  std::string out;
  for (const Token token : t.Encode(text, false)) {
    out.append(out.empty() ? "" : "|").append(t.spec().tokens[static_cast<size_t>(token)]);
  }
  return out;
}

}  // namespace

TEST(SpmMergesTheBestScoreFirst) {
  const auto t = Make(SpmSpec());
  REQUIRE(t != nullptr);
  CHECK_EQ(Show(*t, "ab"), "▁ab");
  CHECK_EQ(Show(*t, "aab"), "▁a|ab");  // ▁a beats ab and aa
  CHECK_EQ(Show(*t, "bab"), "▁|ba|b");
  CHECK_EQ(Show(*t, "b é"), "▁|b|▁|<0xC3>|<0xA9>");
  CHECK_EQ(Show(*t, "  "), "▁▁|▁");
  CHECK_EQ(Show(*t, "\xFF"), "▁|<0xFF>");
  CHECK(t->spec().add_bos);
  CHECK_EQ(t->Decode(t->Encode("ab b", false), false, false), "ab b");
  std::vector<Token> framed = t->Encode("a", false);
  t->AddAffixes(&framed);
  CHECK((framed == std::vector<Token>{1, 7}));
  StreamDecoder decoder(*t);
  std::string streamed;
  for (const Token token : t->Encode("b é", false)) streamed += decoder.Push(token);
  CHECK_EQ(streamed, " b é");
}

TEST(SpmSpacePrefixOnlyWhereTextStarts) {
  VocabularySpec spec = SpmSpec();
  const auto t = Make(spec);
  CHECK((t->Encode("<s>a</s>a", true) == std::vector<Token>{1, 7, 2, 7}));
  CHECK(t->Encode("", true).empty());
  spec.add_space_prefix = false;
  CHECK((Make(spec)->Encode("a", true) == std::vector<Token>{4}));
}

TEST(SpmTextNeverBecomesAControlToken) {
  VocabularySpec spec = SpmSpec();
  spec.kinds[6] = TokenKind::kControl;  // ab
  spec.add_space_prefix = false;
  CHECK_EQ(Show(*Make(spec), "ab"), "a|b");
}

TEST(SpmHostileScores) {
  VocabularySpec spec = SpmSpec();
  const float infinite = std::numeric_limits<float>::infinity();
  for (const float score : {std::nanf(""), infinite, -infinite}) {
    for (float& s : spec.scores) s = score;
    CHECK(Make(spec)->Encode("aaaabab ab", false).size() > 1);
  }
  spec.scores.clear();
  CHECK(Make(spec)->Encode("aaaa", false).size() > 1);
}

TEST(WpmTakesTheLongestFromTheFront) {
  VocabularySpec spec =
      Spec("bert", {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "▁un", "▁unab", "able", "le", "▁!", "▁cafe", "▁中"});
  spec.unknown = 1;
  spec.bos = 2;
  spec.separator = 3;
  const auto t = Make(spec);
  REQUIRE(t != nullptr);
  CHECK_EQ(Show(*t, "Unable"), "▁unab|le");
  CHECK_EQ(Show(*t, "un!able CAFÉ"), "▁un|▁!|[UNK]|▁cafe");
  CHECK_EQ(Show(*t, "un中un\x01\xFF"), "▁un|▁中|▁un");
  std::vector<Token> framed;
  t->AddAffixes(&framed);
  CHECK((framed == std::vector<Token>{2, 3}));
  CHECK_EQ(t->Decode(t->Encode("un!", false), false, false), " un!");
  spec.lowercase = false;
  CHECK_EQ(Show(*Make(spec), "UN café"), "[UNK]|[UNK]");
  spec.strip_accents = true;
  CHECK_EQ(Show(*Make(spec), "un café"), "▁un|▁cafe");
}

TEST(UgmTakesTheGreatestSum) {
  VocabularySpec spec =
      Spec("t5", {"<pad>", "</s>", "<unk>", "▁", "a", "b", "ab", "▁a", "abab"}, {0, 0, 0, -2, -3, -3, -5, -3, -20});
  spec.kinds[0] = spec.kinds[1] = TokenKind::kControl;
  spec.kinds[2] = TokenKind::kUnknown;
  spec.add_space_prefix = true;
  const auto t = Make(spec);
  REQUIRE(t != nullptr);
  CHECK_EQ(Show(*t, "abab"), "▁a|b|ab");
  CHECK_EQ(Show(*t, "xyz a"), "▁|<unk>|▁a");
  CHECK(t->spec().add_eos);
  for (float& s : spec.scores) s = std::nanf("");
  CHECK(!Make(spec)->Encode("abab", false).empty());
}

TEST(RwkvAndPlamo2) {
  VocabularySpec rwkv = Spec("rwkv", {"<s>", "a", "ab", "\\n", "\\x41", "\\"});
  rwkv.kinds[0] = TokenKind::kControl;
  CHECK((Make(rwkv)->Encode("aba\nA?", false) == std::vector<Token>{2, 1, 3, 4}));
  CHECK_EQ(Make(rwkv)->Piece(3, false), "\n");
  VocabularySpec plamo = SpmSpec();
  plamo.model = "plamo2";
  CHECK_EQ(Show(*Make(plamo), "ab"), "ab");
  plamo.tokens.Replace(plamo.tokens.size() - 1, "no byte");
  const auto made = Tokenizer::Create(plamo);
  CHECK(made.status().code == StatusCode::kBadModelFile);
  CHECK(made.status().message.find("byte 255") != std::string::npos);
}

TEST(CharsmapGarbage) {
  using internal::Charsmap;
  CHECK(Charsmap::Create("").ok());
  for (const std::string_view bad :
       {std::string_view("a"), std::string_view("\x04\0\0\0", 4), std::string_view("\x03\0\0\0abcd", 8),
        std::string_view("\xFF\xFF\xFF\xFFzzzz", 8)}) {
    CHECK(Charsmap::Create(bad).status().code == StatusCode::kBadModelFile);
  }
  uint64_t state = 1;
  for (int round = 0; round < 300; ++round) {
    std::string bytes("\x40\0\0\0", 4);
    for (int i = 0; i < 64 + round % 16; ++i) {
      state = state * 6364136223846793005 + 1442695040888963407;
      bytes += static_cast<char>(state >> 40);
    }
    const auto map = Charsmap::Create(bytes);
    REQUIRE(map.ok());
    for (int c = 0; c < 256; ++c) CHECK((*map).Longest(std::string(3, static_cast<char>(c))).length <= 3);
  }
}

TEST(TrieOfManyNodesOfEveryWidth) {
  // Numbers of few digits in bases of 2 to 256: nodes with as many children, and paths without branches behind them.
  std::vector<std::string> texts;
  uint32_t state = 1;
  for (const uint32_t base : {2u, 3u, 10u, 60u, 255u, 256u}) {
    for (int i = 0; i < 3000; ++i) {
      std::string text(1, static_cast<char>(base));
      for (int digit = 0; digit < 2 + i % 5; ++digit) {
        state = state * 1664525 + 1013904223;
        text.push_back(static_cast<char>((state >> 16) % base));
      }
      texts.push_back(text + std::string(static_cast<size_t>(i % 3), 'x'));
    }
  }
  std::sort(texts.begin(), texts.end());
  texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
  std::vector<internal::ByteTrie::Entry> entries;
  for (size_t i = 0; i < texts.size(); ++i) entries.push_back({texts[i], static_cast<Token>(i)});
  const internal::ByteTrie trie(entries);
  size_t wrong = 0, strangers = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto match = trie.Longest(texts[i]);
    wrong += match.token != static_cast<Token>(i) || match.length != texts[i].size();
    // Whatever follows, nothing longer is found that is not there.
    const std::string longer = texts[i] + static_cast<char>(i);
    const auto found = trie.Longest(longer);
    const bool known = std::binary_search(texts.begin(), texts.end(), longer);
    strangers += found.length > texts[i].size() && !known;
  }
  CHECK_EQ(wrong, 0u);
  CHECK_EQ(strangers, 0u);
}

TEST(TrieFindsTheLongest) {
  const internal::ByteTrie trie({{"a", 1}, {"abc", 2}, {"a", 3}, {"", 4}, {"\xFF", 5}});
  CHECK_EQ(trie.Longest("abd").token, 1);
  CHECK_EQ(trie.Longest("abcd").token, 2);
  CHECK_EQ(trie.Longest("abcd").length, 3u);
  CHECK_EQ(trie.Longest("\xFF").token, 5);
  CHECK_EQ(trie.Longest("b").token, -1);
  CHECK_EQ(trie.Longest("").token, -1);
  CHECK_EQ(internal::ByteTrie().Longest("a").token, -1);
}

TEST(OneLetterOrPairForAMegabyte) {
  VocabularySpec spm = SpmSpec();
  // Doubling tokens: every length is a step of the merging.
  for (std::string run = "aaaaaaaa"; run.size() <= 512; run += run) {
    spm.tokens.push_back(run);
    spm.kinds.push_back(TokenKind::kNormal);
    spm.scores.push_back(-static_cast<float>(run.size()));
  }
  VocabularySpec ugm = spm;
  ugm.model = "t5";
  VocabularySpec wpm = spm;
  wpm.model = "bert";
  wpm.unknown = 0;
  VocabularySpec plamo = spm;
  plamo.model = "plamo2";
  const auto start = std::chrono::steady_clock::now();
  for (const VocabularySpec& spec : {spm, ugm, wpm, plamo}) {
    const auto t = Make(spec);
    REQUIRE(t != nullptr);
    for (const std::string_view unit : {"a", " ", "ab", "\n", "\xFF", "é", "a "}) {
      std::string text;
      while (text.size() < 1 << 18) text += unit;
      t->Encode(text, true);
    }
  }
  // A quadratic encoder would need minutes for its first text.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}

}  // namespace zell::tokenizer

ZELL_TEST_MAIN
