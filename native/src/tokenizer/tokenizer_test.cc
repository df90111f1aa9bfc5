// Encoding and pieces with a small vocabulary, and what the metadata leaves out.
#include "tokenizer/tokenizer.h"

#include <chrono>
#include <thread>

#include "check.h"
#include "tokenizer/test_vocabulary.h"

namespace zell::tokenizer {
namespace {

using internal::Id;
using internal::TestVocabulary;

std::unique_ptr<Tokenizer> Make(VocabularySpec spec) {
  auto made = Tokenizer::Create(std::move(spec));
  if (!made.ok()) test::Fail(__FILE__, __LINE__, made.status().message);
  return made.ok() ? std::move(*made) : nullptr;
}

std::string Show(const Tokenizer& tokenizer, const std::vector<Token>& tokens) {
  std::string out;
  for (const Token token : tokens) out.append(out.empty() ? "" : "|").append(tokenizer.Piece(token, true));
  return out;
}

std::vector<Token> Ends(const Tokenizer& t) { return {t.EndOfGeneration().begin(), t.EndOfGeneration().end()}; }

}  // namespace

TEST(EncodesWords) {
  const auto t = Make(TestVocabulary());
  REQUIRE(t != nullptr);
  CHECK_EQ(Show(*t, t->Encode("hello world", false)), "hello| world");
  CHECK_EQ(Show(*t, t->Encode("hell lo", false)), "hell| |l|o");
  CHECK(t->Encode("", true).empty());
}

TEST(AnyBytesComeBack) {
  const auto t = Make(TestVocabulary());
  REQUIRE(t != nullptr);
  std::string all;
  for (int round = 0; round < 3; ++round) {
    for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte * (round * 2 + 1));
  }
  std::string back;
  for (const Token token : t->Encode(all, false)) back += t->Piece(token, false);
  CHECK_EQ(back, all);
}

TEST(TextNeverBecomesAControlTokenUnasked) {
  VocabularySpec spec = TestVocabulary("llama-bpe");
  // Whole words count in this family, and here even the merges lead to the control token.
  spec.tokens.push_back("or");
  spec.kinds.push_back(TokenKind::kControl);
  spec.tokens.Replace(static_cast<size_t>(Id(*Make(TestVocabulary()), "or")), "unlike");
  const auto t = Make(spec);
  REQUIRE(t != nullptr);
  const Token control = static_cast<Token>(t->size() - 1);
  CHECK_EQ(Show(*t, t->Encode("or", false)), "o|r");
  CHECK((t->Encode("or", true) == std::vector<Token>{control}));
  CHECK_EQ(Show(*t, t->Encode("<|endoftext|>", false)).size(), std::string("<|endoftext|>").size() * 2 - 1);
  CHECK((t->Encode("<|endoftext|>", true) == std::vector<Token>{t->spec().eos}));
}

TEST(UserDefinedTokensAlwaysMatch) {
  const auto t = Make(TestVocabulary());
  REQUIRE(t != nullptr);
  CHECK_EQ(Show(*t, t->Encode("hello<tool>hello<s>", false)), "hello|<tool>|hello|<|s|>");
  CHECK_EQ(Show(*t, t->Encode("hello<tool>hello<s>", true)), "hello|<tool>|hello|<s>");
}

TEST(PiecesOfEachKind) {
  VocabularySpec spec = TestVocabulary();
  const auto add = [&](const char* text, TokenKind kind) {
    spec.tokens.push_back(text);
    spec.kinds.push_back(kind);
    return static_cast<Token>(spec.tokens.size() - 1);
  };
  const Token unused = add("never", TokenKind::kUnused), byte = add("<0xE4>", TokenKind::kByte);
  const Token unknown = add("<unk>", TokenKind::kUnknown), odd = add("日本", TokenKind::kNormal);
  const Token empty = add("", TokenKind::kNormal);
  const auto t = Make(spec);
  REQUIRE(t != nullptr);
  CHECK_EQ(t->Piece(unused, true), "");
  CHECK_EQ(t->Piece(byte, false), "\xE4");
  CHECK_EQ(t->Piece(unknown, false), "");
  CHECK_EQ(t->Piece(unknown, true), "<unk>");
  CHECK_EQ(t->Piece(odd, false), "日本");
  CHECK_EQ(t->Piece(empty, false).find("[EMPTY_"), 0u);
  CHECK_EQ(t->Piece(Id(*t, "Ġw"), false), " w");
  CHECK_EQ(t->Piece(t->spec().eos, false), "");
  CHECK_EQ(t->Piece(t->spec().eos, true), "<|endoftext|>");
  CHECK_EQ(t->Piece(-1, true), "");
  CHECK_EQ(t->Piece(static_cast<Token>(t->size()), true), "");
  CHECK(t->IsControl(t->spec().eos));
  CHECK(!t->IsControl(0));
  CHECK(!t->IsControl(-1));
}

TEST(ASymbolThatIsNoTokenFallsBackToItsBytes) {
  VocabularySpec spec = TestVocabulary();
  spec.merges.push_back("x y");  // "xy" is not in the vocabulary
  const auto t = Make(spec);
  REQUIRE(t != nullptr);
  CHECK_EQ(Show(*t, t->Encode("xyz", false)), "x|y|z");
  spec.tokens.Replace('x', "gone");
  CHECK_EQ(Show(*Make(spec), Make(spec)->Encode("xyz", false)), "y|z");
}

TEST(WholeWordsOnlyWhereTheFamilySaysSo) {
  // No merge leads to this token, so that only a family with the whole-word rule finds it.
  VocabularySpec spec = TestVocabulary("llama-bpe");
  spec.tokens.push_back("xyzzy");
  spec.kinds.push_back(TokenKind::kNormal);
  CHECK_EQ(Show(*Make(spec), Make(spec)->Encode("xyzzy", false)), "xyzzy");
  spec.pre = "qwen2";
  CHECK_EQ(Show(*Make(spec), Make(spec)->Encode("xyzzy", false)), "x|y|z|z|y");
}

TEST(DefaultsOfAFamily) {
  VocabularySpec spec = TestVocabulary("llama-bpe");
  CHECK(Make(spec)->spec().add_bos);
  spec.has_add_bos = true;
  CHECK(!Make(spec)->spec().add_bos);
  spec = TestVocabulary("smollm");
  CHECK(!Make(spec)->spec().add_bos);
  spec.bos = spec.eos = -1;
  const auto t = Make(spec);
  CHECK_EQ(t->spec().eos, Id(*t, "<|endoftext|>"));
  CHECK_EQ(t->spec().bos, t->spec().eos);
  spec = TestVocabulary("llama-bpe");
  spec.bos = -1;
  CHECK(!Make(spec)->spec().add_bos);  // no such token: nothing to add
}

TEST(SpecialTokensAreFoundByTheirTexts) {
  VocabularySpec spec = TestVocabulary("qwen2");
  for (const char* text : {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>", "<|repo_name|>",
                           "<|file_sep|>", "<|im_end|>"}) {
    spec.tokens.push_back(text);
    spec.kinds.push_back(TokenKind::kNormal);  // a file that forgot to say so
  }
  const auto t = Make(spec);
  REQUIRE(t != nullptr);
  CHECK_EQ(t->spec().fim_prefix, Id(*t, "<|fim_prefix|>"));
  CHECK_EQ(t->spec().fim_suffix, Id(*t, "<|fim_suffix|>"));
  CHECK_EQ(t->spec().fim_middle, Id(*t, "<|fim_middle|>"));
  CHECK_EQ(t->spec().fim_pad, Id(*t, "<|fim_pad|>"));
  CHECK_EQ(t->spec().fim_repo, Id(*t, "<|repo_name|>"));
  CHECK_EQ(t->spec().fim_separator, Id(*t, "<|file_sep|>"));
  CHECK_EQ(t->spec().eot, Id(*t, "<|im_end|>"));
  CHECK(t->IsControl(t->spec().fim_prefix));
  CHECK((Ends(*t) == std::vector<Token>{t->spec().eos, t->spec().fim_pad, t->spec().fim_repo, t->spec().fim_separator,
                                        t->spec().eot}));
}

TEST(EndIsNoEndWhereReturnAndCallAre) {
  VocabularySpec spec = TestVocabulary();
  for (const char* text : {"<|end|>", "<|return|>", "<|call|>"}) {
    spec.tokens.push_back(text);
    spec.kinds.push_back(TokenKind::kControl);
  }
  const auto t = Make(spec);
  CHECK((Ends(*t) == std::vector<Token>{t->spec().eos, Id(*t, "<|return|>"), Id(*t, "<|call|>")}));
}

TEST(ManyThreadsMayEncode) {
  const auto t = Make(TestVocabulary());
  REQUIRE(t != nullptr);
  const std::string text = "hello world or hell, hello<tool> world";
  const std::vector<Token> expected = Make(TestVocabulary())->Encode(text, false);
  std::vector<std::thread> threads;
  std::vector<int> same(4, 1);
  for (int& s : same) {
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) s &= t->Encode(text, false) == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK((same == std::vector<int>(4, 1)));
}

TEST(AMegabyteOfOneLetter) {
  const auto t = Make(TestVocabulary());
  REQUIRE(t != nullptr);
  for (const char letter : {'l', ' ', '\n', '9', '\xFF', '<'}) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(t->Encode(std::string(1 << 20, letter), true).size() >= size_t{1} << 19);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
  }
}

}  // namespace zell::tokenizer

ZELL_TEST_MAIN
