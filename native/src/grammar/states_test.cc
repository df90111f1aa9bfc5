#include "grammar/states.h"

#include "check.h"
#include "grammar/constraint.h"
#include "grammar/test_grammar.h"

using namespace zell::grammar;

namespace {

/// Deterministic, small and good enough.
struct Dice {
  uint64_t state = 88172645463325252;
  size_t Below(size_t n) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return static_cast<size_t>(state % n);
  }
};

bool InMask(std::span<const uint64_t> mask, int32_t token) {
  return (mask[static_cast<size_t>(token) / 64] >> (token % 64) & 1) != 0;
}

/// Random answers; in each state the mask must be what every token's bytes say.
void CheckMasks(std::shared_ptr<SharedStates> shared, const TestVocabulary& tokens, size_t steps) {
  Dice dice;
  size_t compared = 0;
  Matcher matcher(shared);
  for (size_t step = 0; step < steps; ++step) {
    const std::span<const uint64_t> view = matcher.Mask();
    const std::vector<uint64_t> mask(view.begin(), view.end());
    REQUIRE(matcher.status().ok());
    std::vector<int32_t> allowed;
    for (int32_t token = 0; static_cast<size_t>(token) < tokens.texts.size(); ++token) {
      CHECK_EQ(InMask(mask, token), matcher.Allows(token));
      if (InMask(mask, token)) allowed.push_back(token);
      ++compared;
    }
    REQUIRE(!allowed.empty());
    matcher.Accept(allowed[dice.Below(allowed.size())]);
    if (matcher.ended()) matcher = Matcher(shared);
  }
  CHECK_EQ(compared, steps * tokens.texts.size());
}

const std::vector<std::string> kLonger = {"ab",   "abc", "\"}",      "\",",  "\": ", "{\"", "}}",  "12",   "1,",
                                          "  ",   "\n ", "tru",      "true", "]]",   "[[",  "\\u", "\\\"", "é",
                                          "日本", "bab", "aaaaaaaa", "<go",  "<x>",  ">1",  "go>"};

std::string Text(const TestVocabulary& tokens, int32_t token) {
  return token < 0 ? "" : tokens.texts[static_cast<size_t>(token)];
}

}  // namespace

TEST(MasksAreWhatTheBytesSay) {
  const TestVocabulary tokens(kLonger);
  for (const char* grammar : {
           "root ::= [ab]* \"c\" | \"ab\"+",
           "root ::= object\nobject ::= \"{\" (pair (\", \" pair)*)? \"}\"\npair ::= \"\\\"\" [^\"\\\\]{1,9} \"\\\": "
           "\" "
           "(object | [0-9]+ | \"true\" | \"[\" object* \"]\")",
           "root ::= ([a-c]{3,12} \",\"){2,40} .*",
           "root ::= (<go> | !<[97]>) [ab]{2} root?",
       }) {
    const auto shared = MakeGbnf(grammar, tokens.vocabulary);
    REQUIRE(shared.ok());
    CheckMasks(*shared, tokens, 150);
  }
}

TEST(MasksOfLazyFormsAreWhatTheBytesSay) {
  const TestVocabulary tokens(kLonger);
  for (const bool repeat : {false, true}) {
    const auto shared = MakeGbnf("root ::= [0-9]+ \"!\"", tokens.vocabulary, {"a", "<go>", "éé"}, repeat);
    REQUIRE(shared.ok());
    CheckMasks(*shared, tokens, 150);
  }
}

TEST(ACountedPartIsFollowedToItsEnd) {
  const TestVocabulary tokens(kLonger);
  const auto shared = MakeGbnf("root ::= [a]{1000,2000} \"b\"", tokens.vocabulary);
  REQUIRE(shared.ok());
  Matcher matcher(*shared);
  const int32_t eight = 256 + 20;
  CHECK_EQ(Text(tokens, eight), "aaaaaaaa");
  for (int i = 0; i < 124; ++i) matcher.Accept(eight);
  CHECK(!matcher.Allows('b'));  // 992
  for (int i = 0; i < 125; ++i) matcher.Accept(eight);
  CHECK(matcher.Allows('b'));  // 1992
  CHECK(InMask(matcher.Mask(), eight));
  matcher.Accept('a');
  CHECK(!InMask(matcher.Mask(), eight));  // 1993 and 8
  for (int i = 0; i < 7; ++i) matcher.Accept('a');
  CHECK(!matcher.Allows('a'));
  CHECK(matcher.Allows('b'));
}

TEST(TheEndIsAllowedWhereTheTextIsComplete) {
  const TestVocabulary tokens;
  const auto shared = MakeGbnf("root ::= \"a\" \"b\"?", tokens.vocabulary);
  REQUIRE(shared.ok());
  Matcher matcher(*shared);
  CHECK(!matcher.Allows(tokens.end));
  CHECK(!matcher.Allows(tokens.control));
  matcher.Accept('a');
  CHECK(InMask(matcher.Mask(), tokens.end));
  CHECK(!InMask(matcher.Mask(), tokens.control));
  matcher.Accept('b');
  CHECK(matcher.Allows(tokens.end));
  CHECK(!matcher.Allows('b'));
  matcher.Accept(tokens.end);
  CHECK(matcher.ended());
}

TEST(FreeTextUntilATrigger) {
  const TestVocabulary tokens({"x<go>1", ">12", ">1x"});
  const auto lazy = MakeGbnf("root ::= [0-9]{2}", tokens.vocabulary, {"<go>", "call:"});
  REQUIRE(lazy.ok());
  Matcher matcher(*lazy);
  const auto say = [&](std::string_view text) {
    for (const char c : text) matcher.Accept(static_cast<uint8_t>(c));
  };
  say("Any text, <g and cal:");
  CHECK(matcher.Allows(tokens.end));
  say("<go");
  CHECK(matcher.Allows(257));   // the rest of the trigger, and what may follow it
  CHECK(!matcher.Allows(258));  // and what may not
  say(">");
  CHECK(!matcher.Allows(tokens.end));
  CHECK(!matcher.Allows('x'));
  say("42");
  CHECK(matcher.Allows(tokens.end));
  CHECK(!matcher.Allows('1'));
  // A control token counts with its name.
  matcher = Matcher(*lazy);
  CHECK(matcher.Allows(tokens.control));
  matcher.Accept(tokens.control);
  CHECK(!matcher.Allows('x'));
  CHECK(matcher.Allows('7'));
}

TEST(FreeTextAgainWhenTheFormIsComplete) {
  const TestVocabulary tokens({"2, then"});
  const auto lazy = MakeGbnf("root ::= [0-9]{2}", tokens.vocabulary, {"call:"}, true);
  REQUIRE(lazy.ok());
  Matcher matcher(*lazy);
  const auto say = [&](std::string_view text) {
    for (const char c : text) {
      CHECK(matcher.Allows(static_cast<uint8_t>(c)));
      matcher.Accept(static_cast<uint8_t>(c));
    }
  };
  say("call:4");
  CHECK(!matcher.Allows('x'));
  CHECK(matcher.Allows(256));  // the end of the form and free text after it
  matcher.Accept(256);
  CHECK(matcher.Allows(tokens.end));
  say(" again call:");
  CHECK(!matcher.Allows('x'));
  say("42.");
  CHECK(matcher.status().ok());
}

TEST(AFullTableIsReplacedOnTheWay) {
  const TestVocabulary tokens;
  const auto made = MakeGbnf("root ::= (\"(\" root \")\")* \"x\"", tokens.vocabulary);
  REQUIRE(made.ok());
  const std::shared_ptr<SharedStates> shared = *made;
  Matcher matcher(shared);
  for (int i = 0; i < 50; ++i) matcher.Accept('(');
  // As if it were full: the answer goes on in another one, with its stack.
  shared->table = std::make_shared<States>(shared->table->program());
  for (int i = 0; i < 50; ++i) {
    CHECK(!matcher.Allows(tokens.end));
    matcher.Accept('x');
    matcher.Accept(')');
  }
  CHECK(!matcher.Allows(')'));
  matcher.Accept('x');
  CHECK(matcher.Allows(tokens.end));
  CHECK(matcher.status().ok());
}

TEST(ATokenThatIsNotAllowedIsAnError) {
  const TestVocabulary tokens;
  const auto shared = MakeGbnf("root ::= \"a\"", tokens.vocabulary);
  REQUIRE(shared.ok());
  Matcher matcher(*shared);
  matcher.Accept('b');
  CHECK_EQ(matcher.status().code, zell::base::StatusCode::kInternal);
}

TEST(AVocabularyWithoutTheBytesSaysSo) {
  const auto vocabulary = std::make_shared<Vocabulary>(std::vector<std::string>{"a", ""}, std::vector<std::string>{},
                                                       std::vector<int32_t>{1});
  const auto shared = MakeGbnf("root ::= \"ab\"", vocabulary);
  REQUIRE(shared.ok());
  Matcher matcher(*shared);
  matcher.Accept(0);
  CHECK(!InMask(matcher.Mask(), 0));
  CHECK_EQ(matcher.status().message, "no token of this model's vocabulary can continue the answer");
}

TEST(ConstraintsAsRequestsNameThem) {
  const TestVocabulary tokens;
  const auto compile = [&](const char* json) { return CompileConstraint(json, tokens.vocabulary); };
  const auto matching = [&](const char* json, std::initializer_list<std::string_view> texts) -> std::string {
    const auto shared = compile(json);
    if (!shared.ok()) return shared.status().message;
    std::string out;
    for (const std::string_view text : texts) out += Matches(**shared, text) ? '1' : '0';
    return out;
  };
  CHECK_EQ(matching(R"({"kind":"gbnf","grammar":"root ::= \"a\""})", {"a", "b"}), "10");
  CHECK_EQ(matching(R"({"kind":"json_schema","schema":{"const":1},"prefix":"<c>","suffix":"</c>"})",
                    {"<c>1</c>", "1", "<c>1"}),
           "100");
  CHECK_EQ(matching(R"({"kind":"any_of","forms":[{"kind":"json_schema","schema":{"const":1}},)"
                    R"({"kind":"gbnf","grammar":"root ::= \"a\""}]})",
                    {"1", "a", "1a"}),
           "110");
  CHECK_EQ(matching(R"({"kind":"list","form":{"kind":"json_schema","schema":{"const":1}},"least":1,"most":3,)"
                    R"("separator":";"})",
                    {"", "1", "1;1;1", "1;1;1;1", "11"}),
           "01100");
  CHECK_EQ(matching(R"({"kind":"list","form":{"kind":"json_schema","schema":{"const":1}},"least":0})", {"", "111"}),
           "11");
  // A control token's name around the value stands for the token; the bytes of its name do not.
  const auto marked = compile(R"({"kind":"json_schema","schema":{"const":1},"prefix":"<go>"})");
  REQUIRE(marked.ok());
  Matcher matcher(*marked);
  CHECK(!matcher.Allows('<'));
  CHECK(matcher.Allows(tokens.control));
  CHECK_EQ(matching("{\"kind\":\"x\"}", {}), "a constraint of this kind is not known");
  CHECK_EQ(matching("[", {}), "the JSON is not well formed");
  CHECK_EQ(matching(R"({"kind":"gbnf","grammar":"root ::= \"a\"","lazy":[]})", {}),
           "a lazy constraint needs texts that begin it");
}

ZELL_TEST_MAIN
