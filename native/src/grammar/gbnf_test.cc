#include "grammar/gbnf.h"

#include "check.h"
#include "grammar/test_grammar.h"

using zell::base::StatusCode;
using zell::grammar::MakeGbnf;
using zell::grammar::Matches;
using zell::grammar::TestVocabulary;

namespace {

const TestVocabulary& Tokens() {
  static const TestVocabulary tokens;
  return tokens;
}

/// Of each text whether it is one of the grammar's, as 1 and 0; the message when there is no such grammar.
std::string Matching(std::string_view grammar, std::initializer_list<std::string_view> texts) {
  const auto shared = MakeGbnf(grammar, Tokens().vocabulary);
  if (!shared.ok()) return shared.status().message;
  std::string out;
  for (const std::string_view text : texts) out += Matches(**shared, text) ? '1' : '0';
  return out;
}

std::string Message(std::string_view grammar) { return Matching(grammar, {}); }

}  // namespace

TEST(Literals) {
  CHECK_EQ(Matching("root ::= \"yes\" | \"no\"", {"yes", "no", "ye", "yesno", ""}), "11000");
  CHECK_EQ(Matching(R"(root ::= "a\"\\\n\x41\u00e9\U0001F600")", {"a\"\\\nA\xC3\xA9\xF0\x9F\x98\x80"}), "1");
  CHECK_EQ(Matching("root ::= \"\"", {"", "a"}), "10");
}

TEST(Classes) {
  CHECK_EQ(Matching("root ::= [a-cx]", {"a", "c", "x", "d", "ab"}), "11100");
  CHECK_EQ(Matching("root ::= [^a-c]", {"a", "d", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\xC3"}), "011110");
  CHECK_EQ(Matching("root ::= [-a]", {"-", "a"}), "11");
  CHECK_EQ(Matching("root ::= [a-]", {"-", "a"}), "11");
  CHECK_EQ(Matching(R"(root ::= [\]\\\[])", {"]", "\\", "[", "a"}), "1110");
  CHECK_EQ(Matching("root ::= .", {"a", "\n", "\xF4\x8F\xBF\xBF", "\xF5\x80\x80\x80", "\xED\xA0\x80", "\xC0\x80"}),
           "111000");
  // A range over the border between two and three bytes.
  CHECK_EQ(Matching("root ::= [\xDF\xBE-\xE0\xA0\x81]",
                    {"\xDF\xBE", "\xDF\xBF", "\xE0\xA0\x80", "\xE0\xA0\x81", "\xE0\xA0\x82", "\xDF\xBD"}),
           "111100");
}

TEST(Repetitions) {
  CHECK_EQ(Matching("root ::= \"a\"*", {"", "a", "aaa", "b"}), "1110");
  CHECK_EQ(Matching("root ::= \"a\"+", {"", "a", "aaa"}), "011");
  CHECK_EQ(Matching("root ::= \"a\"?", {"", "a", "aa"}), "110");
  CHECK_EQ(Matching("root ::= \"a\"{2}", {"a", "aa", "aaa"}), "010");
  CHECK_EQ(Matching("root ::= \"ab\"{2,3}", {"ab", "abab", "ababab", "abababab"}), "0110");
  CHECK_EQ(Matching("root ::= \"ab\"{2,}", {"ab", "abab", "abababababab"}), "011");
  CHECK_EQ(Matching("root ::= \"a\"{0}\"b\"", {"b", "ab"}), "10");
  CHECK_EQ(Matching("root ::= (\"a\"?){2,3}", {"", "a", "aaa", "aaaa"}), "1110");
  CHECK_EQ(Matching("root ::= (\"a\" | \"b\"*)*", {"", "abba"}), "11");
  CHECK_EQ(Matching("root ::= [ab]{100,200}",
                    {std::string(99, 'a'), std::string(100, 'b'), std::string(200, 'a'), std::string(201, 'a')}),
           "0110");
  CHECK_EQ(Matching("root ::= ((\"a\" \"b\"){2} \",\"){2,1000000} \".\"", {"abab,abab,.", "abab,."}), "10");
}

TEST(RulesCommentsAndLines) {
  CHECK_EQ(Matching("# begins\nroot ::= # here\n  item (\n \",\" # more\n item\n)* \nitem ::= [0-9]+ # digits\n",
                    {"1", "1,23", "1,", ","}),
           "1100");
  CHECK_EQ(Matching("root ::= a |\n b\n | c\na ::= \"a\"\nb ::= \"b\"\nc ::= \"c\"\r\n", {"a", "b", "c", "d"}), "1110");
  CHECK_EQ(Matching("root ::= \"(\" root \")\" | \"x\"", {"x", "((x))", "((x)"}), "110");
  CHECK_EQ(Matching("root ::= \"a\" root \"b\" | ", {"", "aabb", "aab"}), "110");
  // What llama.cpp's own examples do.
  CHECK_EQ(
      Matching("root ::= (expr \"=\" ws term \"\\n\")+\nexpr ::= term ([-+*/] term)*\nterm ::= ident | num | \"(\" ws "
               "expr \")\" ws\nident ::= [a-z] [a-z0-9_]* ws\nnum ::= [0-9]+ ws\nws ::= [ \\t\\n]*",
               {"a +(b*2) =7\n", "a+=7\n"}),
      "10");
}

TEST(TokensByNameAndNumber) {
  const auto shared = MakeGbnf("root ::= <go> !<[97]> \"!\"", Tokens().vocabulary);
  REQUIRE(shared.ok());
  zell::grammar::Matcher matcher(*shared);
  CHECK(!matcher.Allows('x'));
  CHECK(matcher.Allows(Tokens().control));
  CHECK_EQ(matcher.Mask()[static_cast<size_t>(Tokens().control) / 64] >> (Tokens().control % 64) & 1, 1u);
  matcher.Accept(Tokens().control);
  CHECK(!matcher.Allows('a'));
  CHECK(matcher.Allows('b'));
  matcher.Accept('b');
  CHECK(matcher.Allows('!'));
  matcher.Accept('!');
  CHECK(matcher.Allows(Tokens().end));
  CHECK_EQ(Message("root ::= <nobody>"),
           "the grammar is not understood at line 1, column 10: this model has no single token <nobody>");
}

TEST(RefusalsNameThePlace) {
  CHECK_EQ(Message("root ::= x"), "rule \"x\" is used but not defined");
  CHECK_EQ(Message("a ::= \"a\""), "the grammar has no rule \"root\"");
  CHECK_EQ(Message("root ::= root \"a\" | \"b\""),
           "rule \"root\" (line 1, column 1) begins with itself: left recursion is not possible here");
  CHECK_EQ(Message("root ::= \"x\" a\na ::= b? c\nb ::= \"b\"\nc ::= a \"c\" | \"d\""),
           "rule \"a\" (line 1, column 14) begins with itself: left recursion is not possible here");
  CHECK_EQ(Message("root ::= \"a\" root"), "no text can match rule \"root\" (line 1, column 1): it never ends");
  CHECK_EQ(Message("root ::= [z-a]"),
           "the grammar is not understood at line 1, column 14: a range of characters ends before it begins");
  CHECK_EQ(Message("root ::= \"a\n"),
           "the grammar is not understood at line 2, column 1: the grammar ends within a text");
  CHECK_EQ(Message("root ::= (\"a\""),
           "the grammar is not understood at line 1, column 14: a closing parenthesis is expected");
  CHECK_EQ(Message("root ::= *"), "the grammar is not understood at line 1, column 10: there is nothing to repeat");
  CHECK_EQ(Message("root = \"a\""),
           "the grammar is not understood at line 1, column 6: ::= is expected after \"root\"");
  CHECK_EQ(Message("root ::= \"\\q\""), "the grammar is not understood at line 1, column 12: this escape is not known");
  CHECK_EQ(Message("root ::= \"a\"{3,2}"),
           "the grammar is not understood at line 1, column 18: at most 2 is less than 3");
  CHECK_EQ(Message("root ::= \"a\" )"),
           "the grammar is not understood at line 1, column 14: the end of the rule is expected");
}

TEST(HostileGrammars) {
  CHECK(Message("root ::= " + std::string(5000, '(') + "\"a\"").find("nested more than 100") != std::string::npos);
  CHECK(Message("root ::= \"a\"" + std::string(5000, '*')).find("too many repetitions") != std::string::npos);
  CHECK_EQ(MakeGbnf(std::string(2u << 20, '#'), Tokens().vocabulary).status().code, StatusCode::kTooLarge);
  std::string many = "root ::= \"a\"";
  for (int i = 0; i < 200'000; ++i) many += "|\"a\"";
  CHECK_EQ(MakeGbnf(many, Tokens().vocabulary).status().code, StatusCode::kTooLarge);
  std::string nested = "\"a\"";
  for (int i = 0; i < 8; ++i) nested = std::string("(").append(nested).append("){1000000}");
  CHECK_EQ(Message("root ::= " + nested), "");  // counted, not written out
  // Rules a0, a1 …, each made of the next.
  const auto chain = [](int count, const std::string& after) {
    std::string text = "root ::= a0\n";
    for (int i = 0; i < count; ++i) {
      const std::string next = std::string("a").append(std::to_string(i + 1));
      text.append("a").append(std::to_string(i)).append(" ::= ").append(next);
      if (!after.empty()) text.append(after).append(next).append(after);
      text.append("\n");
    }
    return text.append("a").append(std::to_string(count)).append(" ::= \"x\"");
  };
  CHECK_EQ(Matching(chain(8, "? "), {"x", "xx", std::string(256, 'x'), std::string(257, 'x')}), "1110");
  const auto doubled = MakeGbnf(chain(60, "? "), Tokens().vocabulary);
  REQUIRE(doubled.ok());
  CHECK_EQ((*doubled)->table->status().code, StatusCode::kTooLarge);
  CHECK_EQ(Matching(chain(30'000, ""), {"x", "xx"}), "10");
}

// Every way to read the text is another stack: it ends with a message, not with the machine's memory.
TEST(TooManyWays) {
  const auto shared =
      MakeGbnf("root ::= s\ns ::= \"a\" s \"b\" | \"a\" s \"c\" | \"a\" s | \"a\"", Tokens().vocabulary);
  REQUIRE(shared.ok());
  zell::grammar::Matcher matcher(*shared);
  for (int i = 0; i < 60 && matcher.status().ok(); ++i) matcher.Accept('a');
  CHECK_EQ(matcher.status().code, StatusCode::kTooLarge);
  CHECK(!matcher.Allows('a'));
}

ZELL_TEST_MAIN
