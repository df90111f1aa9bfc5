#include "grammar/pattern.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace zell::grammar {
namespace {

CharSet Digit() { return CharSet{{'0', '9'}}; }
CharSet Word() { return CharSet{{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}; }
CharSet White() {
  return CharSet{{9, 13},          {' ', ' '},       {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A},
                 {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};
}
CharSet LineEnds() { return CharSet{{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}; }
CharSet Not(const CharSet& set) { return CharSet::All().Without(set); }

class Parser {
 public:
  Parser(std::string_view text, Syntax* syntax, JsonSyntax* json) : text_(text), syntax_(*syntax), json_(*json) {}

  base::Result<Expr> Run() {
    const Expr any = syntax_.Repeat(json_.CharOf(CharSet::All()), 0);
    std::vector<Expr> choices;
    do {
      const bool from_start = Take("^");
      const Expr body = Sequence(0);
      const bool to_end = Take("$");
      choices.push_back(syntax_.Sequence({from_start ? syntax_.Empty() : any, body, to_end ? syntax_.Empty() : any}));
    } while (status_.ok() && Take("|"));
    if (status_.ok() && at_ < text_.size()) Fail("this character");
    if (!status_.ok()) return status_;
    return syntax_.Choice(choices);
  }

 private:
  char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool Take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void Fail(const std::string& what) {
    if (!status_.ok()) return;
    status_ = {base::StatusCode::kUnsupported,
               what + " at character " + std::to_string(at_ + 1) + " of the pattern is not supported"};
  }

  Expr Choice(int depth) {
    std::vector<Expr> choices;
    do {
      choices.push_back(Sequence(depth));
    } while (status_.ok() && Take("|"));
    return syntax_.Choice(choices);
  }

  Expr Sequence(int depth) {
    if (depth > kMostNesting) Fail("nesting so deep");
    std::vector<Expr> parts;
    while (status_.ok() && at_ < text_.size() && Peek() != '|' && Peek() != ')' && Peek() != '$') {
      const Expr item = Item(depth);
      if (status_.ok()) parts.push_back(Quantified(item));
    }
    return syntax_.Sequence(parts);
  }

  Expr Item(int depth) {
    if (Take("(")) {
      if (Take("?:")) {
      } else if (Take("?<") && Peek() != '=' && Peek() != '!') {
        while (at_ < text_.size() && !Take(">")) ++at_;
      } else if (Peek() == '?' || Peek() == '=' || Peek() == '!') {
        Fail("looking ahead or behind");
      }
      const Expr group = Choice(depth + 1);
      if (!Take(")")) Fail("an assertion or the end");
      return group;
    }
    if (Take(".")) return json_.CharOf(Not(LineEnds()));
    if (Take("[")) return json_.CharOf(Class());
    if (Take("\\")) return json_.CharOf(Escape(nullptr));
    if (std::string_view("*+?{}]^").find(Peek()) != std::string_view::npos) {
      Fail("this mark");
      return 0;
    }
    const uint32_t c = Char();
    return json_.CharOf(CharSet{{c, c}});
  }

  uint32_t Char() {
    uint32_t c = 0;
    at_ += ReadUtf8(text_.substr(at_), &c);
    return c;
  }

  uint32_t Hex(size_t digits) {
    uint32_t value = 0;
    const char* begin = text_.data() + at_;
    const char* end = begin + std::min(digits, text_.size() - at_);
    const auto [stop, error] = std::from_chars(begin, end, value, 16);
    if (error != std::errc() || stop != begin + digits || value > kLastChar) Fail("this escape");
    at_ += static_cast<size_t>(stop - begin);
    return value;
  }

  /// After the backslash. single: set when it is one character.
  CharSet Escape(std::optional<uint32_t>* single) {
    const auto one = [&](uint32_t c) {
      if (single != nullptr) *single = c;
      return CharSet{{c, c}};
    };
    const char c = Peek();
    ++at_;
    switch (c) {
      case 'd':
        return Digit();
      case 'D':
        return Not(Digit());
      case 'w':
        return Word();
      case 'W':
        return Not(Word());
      case 's':
        return White();
      case 'S':
        return Not(White());
      case 't':
        return one('\t');
      case 'n':
        return one('\n');
      case 'r':
        return one('\r');
      case 'f':
        return one('\f');
      case 'v':
        return one('\v');
      case 'x':
        return one(Hex(2));
      case 'u': {
        if (!Take("{")) return one(Hex(4));
        uint32_t value = 0;
        const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value, 16);
        at_ = static_cast<size_t>(stop - text_.data());
        if (error != std::errc() || value > kLastChar || !Take("}")) Fail("this escape");
        return one(value);
      }
      default:
        if (c == '\0' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
          --at_;
          Fail("this escape");
          return {};
        }
        --at_;
        return one(Char());
    }
  }

  CharSet ClassItem(std::optional<uint32_t>* single) {
    if (Take("\\")) {
      if (Take("b")) {
        *single = '\b';
        return CharSet{{'\b', '\b'}};
      }
      return Escape(single);
    }
    const uint32_t c = Char();
    *single = c;
    return CharSet{{c, c}};
  }

  CharSet Class() {
    const bool negated = Take("^");
    CharSet set;
    while (status_.ok() && at_ < text_.size() && Peek() != ']') {
      std::optional<uint32_t> first, last;
      const CharSet item = ClassItem(&first);
      if (Peek() == '-' && Peek(1) != ']' && first) {
        ++at_;
        if (at_ >= text_.size()) break;
        ClassItem(&last);
        if (!last || *last < *first) Fail("this range");
        if (status_.ok()) set.Add(*first, *last);
      } else {
        set.Add(item);
      }
    }
    if (!Take("]")) Fail("a class without end");
    return negated ? Not(set) : set;
  }

  Expr Quantified(Expr item) {
    uint32_t least = 1, most = 1;
    if (Take("*")) {
      least = 0, most = kNoLimit;
    } else if (Take("+")) {
      most = kNoLimit;
    } else if (Take("?")) {
      least = 0;
    } else if (Take("{")) {
      const auto number = [&] {
        uint32_t value = 0;
        const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
        if (error != std::errc() || value > kMostRepeats) Fail("this number");
        at_ = static_cast<size_t>(stop - text_.data());
        return value;
      };
      least = most = number();
      if (Take(",")) most = Peek() == '}' ? kNoLimit : number();
      if (!Take("}") || most < least) Fail("this repetition");
    } else {
      return item;
    }
    Take("?");  // takes as few as it can: of the same texts
    return status_.ok() ? syntax_.Repeat(item, least, most) : 0;
  }

  std::string_view text_;
  Syntax& syntax_;
  JsonSyntax& json_;
  size_t at_ = 0;
  base::Status status_;
};

}  // namespace

base::Result<Expr> ReadPattern(std::string_view pattern, Syntax* syntax, JsonSyntax* json) {
  return Parser(pattern, syntax, json).Run();
}

}  // namespace zell::grammar
