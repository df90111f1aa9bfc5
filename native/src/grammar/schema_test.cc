#include "grammar/schema.h"

#include "check.h"
#include "grammar/constraint.h"
#include "grammar/test_grammar.h"

using namespace zell::grammar;

namespace {

/// Of each text whether the schema allows it, as 1 and 0; the message when it is refused.
std::string Valid(const std::string& schema, std::initializer_list<std::string_view> texts) {
  static const TestVocabulary tokens;
  const auto shared = CompileConstraint(std::string(R"({"kind":"json_schema","schema":)").append(schema).append("}"),
                                        tokens.vocabulary);
  if (!shared.ok()) return shared.status().message;
  std::string out;
  for (const std::string_view text : texts) out += Matches(**shared, text) ? '1' : '0';
  return out;
}

}  // namespace

TEST(Types) {
  CHECK_EQ(Valid(R"({"type":"boolean"})", {"true", "false", "null", "True"}), "1100");
  CHECK_EQ(Valid(R"({"type":["string","null"]})", {"\"a\"", "null", "1"}), "110");
  CHECK_EQ(Valid(R"({"type":"integer"})", {"0", "-12", "1.0", "01", "1e3", "1234567890123456"}), "110000");
  CHECK_EQ(Valid(R"({"type":"number"})", {"0", "-1.5", "1e5", "1.", ".5", "1e999"}), "111000");
  CHECK_EQ(Valid("true", {"1", "[]", "{\"a\": [null]}", "[1,2]", "x"}), "11110");
  CHECK_EQ(Valid("{}", {"\"\"", "{ }", "[ ]"}), "111");
  CHECK_EQ(Valid(R"({"type":"object"})", {"{}", "{\"a\":1}", "{\"a\": {\"b\": []}}", "[]", "{\"a\":}", "{a:1}"}),
           "111000");
}

TEST(WhiteSpaceIsBounded) {
  CHECK_EQ(Valid(R"({"type":"array"})", {"[1, 2]", "[1,\n  2\n]", "[1,  2]", "[1 , 2]", " [1]", "[1] "}), "110000");
  const std::string indent = "[\n" + std::string(24, ' ') + "1]", deeper = "[\n" + std::string(25, ' ') + "1]";
  CHECK_EQ(Valid(R"({"type":"array"})", {indent, deeper}), "10");
}

TEST(Strings) {
  CHECK_EQ(Valid(R"({"type":"string"})", {R"("")", R"("a\n\u00e9é日")", "\"\n\"", R"("\x")", "\"\xFF\"", "\"a"}),
           "110000");
  CHECK_EQ(Valid(R"({"type":"string"})", {R"("\ud83d\ude00")", R"("\ud83d")", R"("\ude00")"}), "100");
  CHECK_EQ(Valid(R"({"minLength":2,"maxLength":3})", {R"("a")", R"("éé")", R"("a\n\u0041")", R"("abcd")"}), "0110");
  CHECK_EQ(Valid(R"({"pattern":"^[a-c]{2}\\d?$"})", {R"("ab")", R"("ab1")", R"("abc")", R"("a")"}), "1100");
  CHECK_EQ(Valid(R"({"pattern":"b"})", {R"("b")", R"("abc")", R"("ac")"}), "110");
  CHECK_EQ(Valid(R"({"pattern":"^a|b$"})", {R"("ax")", R"("xb")", R"("xa")"}), "110");
  CHECK_EQ(Valid(R"({"pattern":"^\"\\\\\\n$"})", {R"("\"\\\n")", R"("""\n")"}), "10");
  CHECK_EQ(Valid(R"({"format":"date"})", {R"("2024-02-29")", R"("2023-02-29")", R"("2100-02-29")", R"("1999-12-31")"}),
           "1001");
  CHECK_EQ(Valid(R"({"format":"uuid"})", {R"("123e4567-e89b-12d3-a456-426614174000")", R"("123")"}), "10");
  CHECK_EQ(Valid(R"({"format":"ipv4"})", {R"("255.1.0.9")", R"("256.1.0.9")", R"("1.2.3")"}), "100");
  CHECK_EQ(Valid(R"({"format":"color"})", {R"("anything")"}), "1");
}

TEST(Numbers) {
  CHECK_EQ(Valid(R"({"type":"integer","minimum":-3,"maximum":12})", {"-3", "-4", "0", "12", "13", "9"}), "101101");
  CHECK_EQ(
      Valid(R"({"type":"integer","exclusiveMinimum":9,"exclusiveMaximum":1000})", {"9", "10", "999", "1000", "55"}),
      "01101");
  CHECK_EQ(Valid(R"({"type":"integer","minimum":18})", {"17", "18", "99", "100", "-18"}), "01110");
  CHECK_EQ(Valid(R"({"type":"integer","minimum":0.5,"maximum":2.5})", {"0", "1", "2", "3"}), "0110");
  CHECK_EQ(Valid(R"({"type":"number","minimum":0,"maximum":1})", {"0", "0.5", "1", "1.0", "1.1", "-0.1"}), "111100");
  CHECK_EQ(Valid(R"({"type":"number","exclusiveMinimum":0,"exclusiveMaximum":1})", {"0", "0.0", "0.001", "0.99", "1"}),
           "00110");
  CHECK_EQ(Valid(R"({"type":"number","minimum":-1.25,"maximum":2.5})",
                 {"-1.25", "-1.3", "-1.2", "-0.9", "2.5", "2.51", "2.49", "3", "0"}),
           "101110101");
  CHECK_EQ(Valid(R"({"type":"number","minimum":0.25,"maximum":0.75})", {"0.25", "0.2", "0.5", "0.75", "0.8", "0.249"}),
           "101100");
  CHECK_EQ(Valid(R"({"type":"number","maximum":-1.5})", {"-1.5", "-1.4", "-2", "0", "-100.5"}), "10101");
  CHECK_EQ(Valid(R"({"type":"integer","multipleOf":7})", {"0", "7", "-14", "700", "8"}), "11110");
}

TEST(Listed) {
  CHECK_EQ(Valid(R"({"enum":["a","ab",1,null,true]})", {R"("a")", R"("ab")", "1", "null", "true", R"("b")"}), "111110");
  CHECK_EQ(Valid(R"({"type":"string","enum":["a",1]})", {R"("a")", "1"}), "10");
  CHECK_EQ(Valid(R"({"const":{"a":[1,"x"]}})", {R"({"a":[1,"x"]})", R"({"a": [1, "x"]})", R"({"a":[1]})"}), "110");
}

TEST(Objects) {
  const char* person = R"({"properties":{"name":{"type":"string"},"age":{"type":"integer"},"x":{"const":1}},)"
                       R"("required":["name"]})";
  CHECK_EQ(Valid(person, {R"({"name":"a"})", R"({"name":"a","age":3})", R"({"name":"a","x":1})", R"({"age":3})",
                          R"({"age":3,"name":"a"})", R"({"name":"a","y":1})", R"({"name": "a", "age": 3, "x": 1})"}),
           "1110001");
  CHECK_EQ(Valid(R"({"properties":{"a":{"const":1},"b":{"const":2}}})",
                 {"{}", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})", R"({"a":1,})", R"({,"b":2})"}),
           "111100");
  CHECK_EQ(Valid(R"({"properties":{"ab":{"const":1}},"additionalProperties":{"type":"integer"}})",
                 {R"({"ab":1,"x":5})", R"({"a":5,"abc":6})", R"({"ab":5})", R"({"\u0061b":5})", R"({"x":"y"})"}),
           "11000");
  CHECK_EQ(Valid(R"({"additionalProperties":{"type":"integer"}})", {"{}", R"({"a":1})", R"({"a":"b"})"}), "110");
  CHECK_EQ(Valid(R"({"required":["a"],"type":"object"})", {R"({"a":[]})", "{}"}), "10");
}

TEST(Arrays) {
  CHECK_EQ(Valid(R"({"items":{"type":"integer"},"minItems":1,"maxItems":3})", {"[]", "[1]", "[1,2,3]", "[1,2,3,4]"}),
           "0110");
  CHECK_EQ(Valid(R"({"prefixItems":[{"const":1},{"const":2}],"items":{"const":3}})",
                 {"[]", "[1]", "[1,2]", "[1,2,3,3]", "[2]"}),
           "11110");
  CHECK_EQ(
      Valid(R"({"prefixItems":[{"const":1},{"const":2}],"items":false,"minItems":2})", {"[1]", "[1,2]", "[1,2,3]"}),
      "010");
  CHECK_EQ(Valid(R"({"items":{"const":1},"maxItems":0})", {"[]", "[1]"}), "10");
}

TEST(Combined) {
  CHECK_EQ(Valid(R"({"anyOf":[{"type":"integer"},{"type":"null"}]})", {"1", "null", "true"}), "110");
  CHECK_EQ(Valid(R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2}},)"
                 R"("anyOf":[{"required":["a"]},{"required":["b"]}]})",
                 {R"({"a":1})", R"({"b":2})", "{}"}),
           "110");
  CHECK_EQ(Valid(R"({"allOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},)"
                 R"({"properties":{"a":{"minimum":5},"b":{"const":2}},"required":["b"]}]})",
                 {R"({"a":5,"b":2})", R"({"a":4,"b":2})", R"({"a":5})"}),
           "100");
  CHECK_EQ(Valid(R"({"allOf":[{"enum":[1,2,3]},{"enum":[2,3,4]}]})", {"1", "2", "3", "4"}), "0110");
}

TEST(References) {
  const char* tree = R"({"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":)"
                     R"({"v":{"type":"integer"},"next":{"anyOf":[{"$ref":"#/$defs/node"},{"type":"null"}]}},)"
                     R"("required":["v","next"]}}})";
  CHECK_EQ(Valid(tree, {R"({"v":1,"next":{"v":2,"next":null}})", R"({"v":1,"next":{"v":2}})"}), "10");
  CHECK_EQ(Valid(R"({"properties":{"c":{"items":{"$ref":"#"}}}})", {R"({"c":[{},{"c":[]}]})", R"({"c":[1]})"}), "10");
  CHECK_EQ(Valid(R"({"$ref":"#/$defs/a~1b%25","$defs":{"a/b%":{"const":1}}})", {"1"}), "1");
  CHECK_EQ(Valid(R"({"$ref":"#/$defs/i","minimum":3,"$defs":{"i":{"type":"integer"}}})", {"3", "2"}), "10");
}

TEST(WhatCannotBeHonouredIsNamed) {
  CHECK_EQ(Valid(R"({"properties":{"a":{"not":{}}}})", {}),
           "The JSON schema's \"not\" at \"/properties/a/not\" is not supported.");
  CHECK_EQ(Valid(R"({"items":{"type":"array","uniqueItems":true}})", {}),
           "The JSON schema's \"uniqueItems\" at \"/items/uniqueItems\" is not supported.");
  CHECK_EQ(Valid(R"({"$ref":"https://x.y/z"})", {}),
           "The JSON schema's \"$ref\" at \"/$ref\" names \"https://x.y/z\", which is not in the schema.");
  CHECK_EQ(
      Valid(R"({"type":"string","pattern":"^(?=a)b"})", {}),
      "The JSON schema's \"pattern\" at \"/pattern\" is not possible: looking ahead or behind at character 3 of the "
      "pattern is not supported.");
  CHECK_EQ(Valid(R"({"type":"thing"})", {}), "The JSON schema's \"type\" at \"/type\" is not known.");
  CHECK_EQ(Valid(R"({"type":"string","format":"iri"})", {}),
           "The JSON schema's \"format\" at \"/format\" is one that is not supported.");
  CHECK_EQ(
      Valid(R"({"a/b":1,"properties":{"x/y":{"type":"object","maxProperties":1}}})", {}),
      "The JSON schema's \"maxProperties\" at \"/properties/x~1y/maxProperties\" is only supported from the number "
      "of properties on.");
  CHECK_EQ(Valid(R"({"type":"number","multipleOf":0.01})", {}),
           "The JSON schema's \"multipleOf\" at \"/multipleOf\" is only supported from 1 to 100, whole.");
  CHECK(Valid(R"({"$ref":"#"})", {}).find("begins with itself") != std::string::npos);
  CHECK(Valid(R"({"allOf":[{"$ref":"#"}]})", {}).find("leads back to itself") != std::string::npos);
  CHECK(Valid(R"({"type":"integer","minimum":5,"maximum":4})", {}).find("no text can match") != std::string::npos);
  CHECK(Valid("3", {}).find("must be an object") != std::string::npos);
}

TEST(HostileSchemas) {
  std::string nested = "{}";
  for (int i = 0; i < 60; ++i) nested = std::string(R"({"properties":{"a":)").append(nested).append("}}");
  CHECK_EQ(Valid(nested, {"{}"}), "1");
  std::string deep;
  for (int i = 0; i < 5000; ++i) deep += R"({"items":)";
  CHECK(!Valid(deep, {}).empty());
  std::string many = R"({"properties":{)";
  for (int i = 0; i < 3000; ++i) many.append(i == 0 ? "\"p" : ",\"p").append(std::to_string(i)).append("\":{}");
  CHECK_EQ(Valid(many + "}}", {"{}", R"({"p7":1,"p2999":2})", R"({"p9":1,"p8":2})"}), "110");
  // Sixteen ways of sixteen ways of …: refused, not computed.
  std::string ways = R"({"$ref":"#/$defs/a0","$defs":{)";
  for (int i = 0; i < 30; ++i) {
    const std::string next =
        std::string(R"({"$ref":"#/$defs/a)").append(std::to_string(i + 1)).append(R"(","minLength":1})");
    ways.append(i == 0 ? "\"a" : ",\"a").append(std::to_string(i)).append(R"(":{"anyOf":[)").append(next);
    for (int j = 0; j < 15; ++j) ways.append(",").append(next);
    ways += "]}";
  }
  CHECK(Valid(ways + R"(,"a30":{"type":"string"}}})", {}).find("too large") != std::string::npos);
}

ZELL_TEST_MAIN
