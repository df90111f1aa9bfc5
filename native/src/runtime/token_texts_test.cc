// Sequence breakers as tokens, against every way to spell them that a search through all short sequences finds.
#include "runtime/token_texts.h"

#include <set>

#include "check.h"
#include "tokenizer/test_vocabulary.h"

namespace zell::runtime {
namespace {

std::shared_ptr<const tokenizer::Tokenizer> Vocabulary() {
  auto tokenizer = tokenizer::Tokenizer::Create(tokenizer::internal::TestVocabulary());
  if (!tokenizer.ok()) test::Fail(__FILE__, __LINE__, tokenizer.status().message);
  return tokenizer.ok() ? std::move(*tokenizer) : nullptr;
}

using Sequences = std::set<std::vector<int32_t>>;

Sequences Spelled(const tokenizer::Tokenizer& tokenizer, std::vector<std::string> texts) {
  Sequences sequences;
  for (const auto& [head, rest] : BreakersOf(tokenizer, texts)) {
    std::vector<int32_t> tokens = {head};
    tokens.insert(tokens.end(), rest.begin(), rest.end());
    CHECK(sequences.insert(tokens).second);  // each once
  }
  return sequences;
}

}  // namespace

TEST(BreakersAreEveryTokenThatEndsOrHoldsThem) {
  const auto tokenizer = Vocabulary();
  REQUIRE(tokenizer != nullptr);
  Sequences expected;
  for (int32_t token = 0; token < static_cast<int32_t>(tokenizer->size()); ++token) {
    const std::string piece = tokenizer->Piece(token, true);
    if (piece.find("or") != std::string::npos) expected.insert({token});
    if (piece.ends_with("o") && piece.find("or") == std::string::npos) expected.insert({token, 'r'});
  }
  CHECK(expected.contains({'o', 'r'}));
  CHECK(expected.contains({tokenizer::internal::Id(*tokenizer, "hello"), 'r'}));
  CHECK(expected.contains({tokenizer::internal::Id(*tokenizer, "Ġworld")}));
  CHECK(Spelled(*tokenizer, {"or"}) == expected);
  CHECK(Spelled(*tokenizer, {"or", "or", ""}) == expected);
  CHECK(Spelled(*tokenizer, {}).empty());
  CHECK((Spelled(*tokenizer, {"\n"}) == Sequences{{'\n'}}));
}

TEST(OverlapsAndLongBreakers) {
  const auto tokenizer = Vocabulary();
  REQUIRE(tokenizer != nullptr);
  // "ll" ends with "l" and holds no "lo": both letters count as beginnings.
  const int32_t ll = tokenizer::internal::Id(*tokenizer, "ll");
  CHECK(Spelled(*tokenizer, {"lo"}).contains({ll, 'o'}));
  // The rest is encoded as text.
  CHECK((Spelled(*tokenizer, {"zyz"}) == Sequences{{'z', 'y', 'z'}}));
  const std::string text(60, '!');
  for (const std::vector<int32_t>& tokens : Spelled(*tokenizer, {text})) CHECK_EQ(tokens.size(), 21u);
}

TEST(TextsKnowEnds) {
  const auto tokenizer = Vocabulary();
  REQUIRE(tokenizer != nullptr);
  const auto texts = TextsOf(tokenizer);
  const int32_t eos = tokenizer::internal::Id(*tokenizer, "<|endoftext|>");
  CHECK(texts->EndsGeneration(eos));
  CHECK(!texts->EndsGeneration('a'));
  CHECK_EQ(texts->End(), eos);
  CHECK_EQ(texts->Piece(eos), "");
  CHECK_EQ(texts->Piece('a'), "a");
}

}  // namespace zell::runtime

ZELL_TEST_MAIN
