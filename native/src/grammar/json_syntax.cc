#include "grammar/json_syntax.h"

#include <algorithm>
#include <map>

namespace zell::grammar {
namespace {

constexpr uint32_t kMostIndent = 24;
/// Names are told from others character by character so far; longer ones are one name beyond it.
constexpr size_t kMostKeyChars = 200;

/// What stands in a string as it is.
CharSet Raw() { return CharSet::All().Without(CharSet{{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}); }

}  // namespace

Expr JsonSyntax::Digits(uint32_t least, uint32_t most) {
  return syntax_.Repeat(syntax_.Chars(CharSet{{'0', '9'}}), least, most);
}

Expr JsonSyntax::Space() {
  return Once(space_, "white space", [&] {
    const Expr indent = syntax_.Repeat(syntax_.Chars(CharSet{{' ', ' '}, {'\t', '\t'}}), 0, kMostIndent);
    return syntax_.Optional(syntax_.Choice({syntax_.Bytes(" "), syntax_.Sequence({syntax_.Bytes("\n"), indent})}));
  });
}

Expr JsonSyntax::Char() {
  return Once(char_, "character", [&] {
    const CharSet hex_set{{'0', '9'}, {'a', 'f'}, {'A', 'F'}};
    const Expr hex = syntax_.Chars(hex_set), d = syntax_.Chars(CharSet{{'d', 'd'}, {'D', 'D'}});
    const Expr not_d = syntax_.Chars(hex_set.Without(CharSet{{'d', 'd'}, {'D', 'D'}}));
    const Expr below_8 = syntax_.Chars(CharSet{{'0', '7'}});
    const Expr high = syntax_.Chars(CharSet{{'8', '9'}, {'a', 'b'}, {'A', 'B'}});
    const Expr low = syntax_.Chars(CharSet{{'c', 'f'}, {'C', 'F'}});
    const Expr code = syntax_.Choice({
        syntax_.Sequence({not_d, hex, hex, hex}),
        syntax_.Sequence({d, below_8, hex, hex}),
        syntax_.Sequence({d, high, hex, hex, syntax_.Bytes("\\u"), d, low, hex, hex}),
    });
    const Expr escape = syntax_.Choice(
        {syntax_.AnyOf({"\"", "\\", "/", "b", "f", "n", "r", "t"}), syntax_.Sequence({syntax_.Bytes("u"), code})});
    return syntax_.Choice({syntax_.Chars(Raw()), syntax_.Sequence({syntax_.Bytes("\\"), escape})});
  });
}

Expr JsonSyntax::CharOf(const CharSet& set) {
  std::vector<std::string> escaped;
  const CharSet marked = set.Without(Raw());
  for (const CharRange& range : marked.ranges()) {
    for (uint32_t c = range.first; c <= range.last; ++c) {
      const std::string quoted = Quoted(std::string(1, static_cast<char>(c)));
      escaped.push_back(quoted.substr(1, quoted.size() - 2));
    }
  }
  const Expr raw = syntax_.Chars(set.Within(Raw()));
  return escaped.empty() ? raw : syntax_.Choice({raw, syntax_.AnyOf(std::move(escaped))});
}

Expr JsonSyntax::String() {
  return Once(string_, "string", [&] {
    return syntax_.Sequence({syntax_.Bytes("\""), syntax_.Repeat(Char(), 0), syntax_.Bytes("\"")});
  });
}

Expr JsonSyntax::KeyBut(const std::vector<std::string>& names) {
  std::vector<std::vector<uint32_t>> chars;
  for (std::string_view name : names) {
    chars.emplace_back();
    while (!name.empty() && chars.back().size() < kMostKeyChars) {
      uint32_t c = 0;
      name.remove_prefix(ReadUtf8(name, &c));
      chars.back().push_back(c);
    }
  }
  return syntax_.Sequence({syntax_.Bytes("\""), NotIn(std::move(chars), 0), syntax_.Bytes("\"")});
}

// After `at` characters that all the names share.
Expr JsonSyntax::NotIn(std::vector<std::vector<uint32_t>> names, size_t at) {
  const Expr any = Once(key_rest_, "rest of a key", [&] { return syntax_.Repeat(CharOf(CharSet::All()), 0); });
  CharSet taken;
  std::map<uint32_t, std::vector<std::vector<uint32_t>>> next;
  bool is_name = false;
  for (std::vector<uint32_t>& name : names) {
    if (name.size() == at) {
      is_name = true;
      if (at >= kMostKeyChars) return syntax_.Never();
    } else {
      const uint32_t c = name[at];
      taken.Add(c, c);
      next[c].push_back(std::move(name));
    }
  }
  std::vector<Expr> choices{syntax_.Sequence({CharOf(CharSet::All().Without(taken)), any})};
  if (!is_name) choices.push_back(syntax_.Empty());
  for (auto& [c, rest] : next) {
    const Expr tail = NotIn(std::move(rest), at + 1);
    choices.push_back(syntax_.Sequence({CharOf(CharSet{{c, c}}), tail}));
  }
  return syntax_.Choice(choices);
}

Expr JsonSyntax::Number() {
  return Once(number_, "number", [&] {
    const Expr whole =
        syntax_.Choice({syntax_.Bytes("0"), syntax_.Sequence({syntax_.Chars(CharSet{{'1', '9'}}), Digits(0, 14)})});
    const Expr fraction = syntax_.Sequence({syntax_.Bytes("."), Digits(1, 15)});
    const Expr exponent =
        syntax_.Sequence({syntax_.Chars(CharSet{{'e', 'e'}, {'E', 'E'}}),
                          syntax_.Optional(syntax_.Chars(CharSet{{'+', '+'}, {'-', '-'}})), Digits(1, 2)});
    return syntax_.Sequence(
        {syntax_.Optional(syntax_.Bytes("-")), whole, syntax_.Optional(fraction), syntax_.Optional(exponent)});
  });
}

Expr JsonSyntax::AnyObject() {
  if (object_) return syntax_.Call(*object_);
  object_ = syntax_.AddRule("object");
  const Expr member = Member(String(), AnyValue());
  const Expr more = syntax_.Repeat(syntax_.Sequence({Comma(), member}), 0);
  syntax_.Define(*object_, Braces(syntax_.Optional(syntax_.Sequence({member, more, Space()}))));
  return syntax_.Call(*object_);
}

Expr JsonSyntax::AnyArray() {
  if (array_) return syntax_.Call(*array_);
  array_ = syntax_.AddRule("array");
  const Expr more = syntax_.Repeat(syntax_.Sequence({Comma(), AnyValue()}), 0);
  const Expr items = syntax_.Optional(syntax_.Sequence({AnyValue(), more, Space()}));
  syntax_.Define(*array_, syntax_.Sequence({syntax_.Bytes("["), Space(), items, syntax_.Bytes("]")}));
  return syntax_.Call(*array_);
}

Expr JsonSyntax::AnyValue() {
  if (value_) return syntax_.Call(*value_);
  value_ = syntax_.AddRule("value");
  syntax_.Define(
      *value_, syntax_.Choice({AnyObject(), AnyArray(), String(), Number(), syntax_.AnyOf({"true", "false", "null"})}));
  return syntax_.Call(*value_);
}

Expr JsonSyntax::Constant(const Json& value) {
  switch (value.type) {
    case Json::Type::kNull:
      return syntax_.Bytes("null");
    case Json::Type::kFalse:
      return syntax_.Bytes("false");
    case Json::Type::kTrue:
      return syntax_.Bytes("true");
    case Json::Type::kNumber:
      return syntax_.Bytes(value.text);
    case Json::Type::kString:
      return syntax_.Bytes(Quoted(value.text));
    case Json::Type::kArray:
    case Json::Type::kObject:
      break;
  }
  const bool object = value.IsObject();
  std::vector<Expr> parts{syntax_.Bytes(object ? "{" : "["), Space()};
  const size_t count = object ? value.members.size() : value.items.size();
  for (size_t i = 0; i < count; ++i) {
    if (i > 0) parts.push_back(Comma());
    parts.push_back(object ? Member(syntax_.Bytes(Quoted(value.members[i].first)), Constant(value.members[i].second))
                           : Constant(value.items[i]));
  }
  if (count > 0) parts.push_back(Space());
  parts.push_back(syntax_.Bytes(object ? "}" : "]"));
  return syntax_.Sequence(parts);
}

}  // namespace zell::grammar
