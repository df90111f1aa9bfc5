// What a broken or malicious file may claim about its vocabulary.
#include <functional>
#include <limits>

#include "check.h"
#include "tokenizer/test_vocabulary.h"
#include "tokenizer/vocabulary.h"

namespace zell::tokenizer {
namespace {

using base::StatusCode;
using internal::TestVocabulary;

StatusCode CodeOf(const std::function<void(VocabularySpec*)>& change) {
  VocabularySpec spec = TestVocabulary();
  change(&spec);
  const auto made = Tokenizer::Create(std::move(spec));
  CHECK(made.ok() || !made.status().message.empty());
  return made.ok() ? StatusCode::kOk : made.status().code;
}

}  // namespace

TEST(UnknownModelsAreNamed) {
  VocabularySpec spec = TestVocabulary();
  spec.model = "frobnicator";
  auto made = Tokenizer::Create(spec);
  CHECK(made.status().code == StatusCode::kUnsupportedModel);
  CHECK(made.status().message.find("'frobnicator'") != std::string::npos);
  spec = TestVocabulary("no-such-thing");
  made = Tokenizer::Create(spec);
  CHECK(made.status().code == StatusCode::kUnsupportedModel);
  CHECK(made.status().message.find("'no-such-thing'") != std::string::npos);
}

TEST(IdsOutOfRange) {
  for (const Token id : {-2, std::numeric_limits<Token>::min(), 100000, std::numeric_limits<Token>::max()}) {
    CHECK(CodeOf([&](VocabularySpec* s) { s->bos = id; }) == StatusCode::kBadModelFile);
    CHECK(CodeOf([&](VocabularySpec* s) { s->fim_separator = id; }) == StatusCode::kBadModelFile);
    CHECK(CodeOf([&](VocabularySpec* s) { s->padding = id; }) == StatusCode::kBadModelFile);
  }
  CHECK(CodeOf([](VocabularySpec* s) { s->eos = static_cast<Token>(s->tokens.size()); }) == StatusCode::kBadModelFile);
  CHECK(CodeOf([](VocabularySpec* s) { s->eos = static_cast<Token>(s->tokens.size() - 1); }) == StatusCode::kOk);
}

TEST(CountsThatDoNotFit) {
  CHECK(CodeOf([](VocabularySpec* s) { s->tokens.clear(), s->kinds.clear(); }) == StatusCode::kBadModelFile);
  CHECK(CodeOf([](VocabularySpec* s) { s->kinds.pop_back(); }) == StatusCode::kBadModelFile);
  CHECK(CodeOf([](VocabularySpec* s) { s->kinds.push_back(TokenKind::kNormal); }) == StatusCode::kBadModelFile);
  CHECK(CodeOf([](VocabularySpec* s) { s->scores.assign(3, 0); }) == StatusCode::kBadModelFile);
  CHECK(CodeOf([](VocabularySpec* s) { s->kinds.clear(); }) == StatusCode::kOk);
  CHECK(CodeOf([](VocabularySpec* s) { s->merges.clear(); }) == StatusCode::kOk);
  CHECK(CodeOf([](VocabularySpec* s) {
          s->kinds.clear();
          while (s->tokens.size() <= internal::kMaxTokens) s->tokens.push_back({});
        }) == StatusCode::kBadModelFile);
}

TEST(KindsOutOfRange) {
  for (const int32_t kind : {-1, 7, std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()}) {
    CHECK(CodeOf([&](VocabularySpec* s) { s->kinds[5] = static_cast<TokenKind>(kind); }) == StatusCode::kBadModelFile);
  }
}

TEST(MalformedMerges) {
  for (const char* merge : {"", " ", "ab", " ab", "a ", "  "}) {
    CHECK(CodeOf([&](VocabularySpec* s) { s->merges.push_back(merge); }) == StatusCode::kBadModelFile);
  }
  // Sides that are no spellings, or whose result is no token, match nothing and do no harm.
  for (const char* merge : {"a b c", "日 本", "\xFF a", "a zzz", "\t x"}) {
    CHECK(CodeOf([&](VocabularySpec* s) { s->merges.push_back(merge); }) == StatusCode::kOk);
  }
  CHECK(CodeOf([](VocabularySpec* s) { s->merges.push_back(s->merges[0]); }) == StatusCode::kOk);
  CHECK(CodeOf([](VocabularySpec* s) { s->merges.push_back("a " + std::string(1 << 20, 'b')); }) ==
        StatusCode::kBadModelFile);
}

TEST(TokensTooLong) {
  CHECK(CodeOf([](VocabularySpec* s) { s->tokens.Replace(7, std::string(internal::kMaxTokenBytes + 1, 'x')); }) ==
        StatusCode::kBadModelFile);
  CHECK(CodeOf([](VocabularySpec* s) {
          s->tokens.Replace(7, std::string(internal::kMaxSpecialBytes + 1, 'x'));
          s->kinds[7] = TokenKind::kUserDefined;
        }) == StatusCode::kBadModelFile);
}

TEST(TheFirstOfEqualTokensCounts) {
  VocabularySpec spec = TestVocabulary();
  spec.tokens.push_back("hello");
  spec.kinds.push_back(TokenKind::kNormal);
  spec.tokens.push_back("<s>");
  spec.kinds.push_back(TokenKind::kControl);
  const auto made = Tokenizer::Create(spec);
  REQUIRE(made.ok());
  const Tokenizer& t = **made;
  CHECK((t.Encode("hello<s>", true) == std::vector<Token>{internal::Id(t, "hello"), internal::Id(t, "<s>")}));
  CHECK_EQ(t.Piece(static_cast<Token>(t.size() - 2), false), "hello");
}

TEST(EmptySpecialTokensMatchNothing) {
  VocabularySpec spec = TestVocabulary();
  spec.tokens.push_back("");
  spec.kinds.push_back(TokenKind::kControl);
  const auto made = Tokenizer::Create(spec);
  REQUIRE(made.ok());
  CHECK_EQ((*made)->Encode("hello", true).size(), 1u);
}

TEST(NoMergesAndNoBytes) {
  VocabularySpec spec;
  spec.model = "gpt2";
  spec.pre = "gpt-2";
  spec.tokens = {"\xFF\xFE", "a"};
  const auto made = Tokenizer::Create(spec);
  REQUIRE(made.ok());
  CHECK((((*made)->Encode("abca", true)) == std::vector<Token>{1, 1}));
  CHECK((*made)->EndOfGeneration().empty());
  CHECK_EQ((*made)->Piece(0, false), "\xFF\xFE");
}

}  // namespace zell::tokenizer

ZELL_TEST_MAIN
