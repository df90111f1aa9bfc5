#include "grammar/gbnf.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_map>

namespace zell::grammar {
namespace {

/// Repetitions that may follow one another directly, as in `x*?`.
constexpr int kMostInARow = 4;
constexpr int kMostTokens = 256;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsWord(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '-' || c == '_'; }

class Parser {
 public:
  Parser(std::string_view text, const Vocabulary& vocabulary, Syntax* syntax)
      : text_(text), vocabulary_(vocabulary), syntax_(*syntax) {
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\n') lines_.push_back(i + 1);
    }
  }

  base::Result<Rule> Run() {
    Space(true);
    while (ok() && !AtEnd()) ParseRule();
    if (!ok()) return status_;
    const auto root = rules_.find("root");
    if (root == rules_.end()) return Bad("the grammar has no rule \"root\"");
    for (const auto& [name, rule] : rules_) {
      if (!syntax_.rule(rule).defined) return Bad("rule \"" + name + "\" is used but not defined");
    }
    if (syntax_.too_large()) return base::Status{base::StatusCode::kTooLarge, "the grammar is too large"};
    return root->second;
  }

 private:
  static base::Status Bad(std::string message) { return {base::StatusCode::kInvalidRequest, std::move(message)}; }
  bool ok() const { return status_.ok(); }
  bool AtEnd() const { return at_ >= text_.size(); }
  char Peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool Take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }

  std::string Place(size_t at) const {
    const auto after = std::upper_bound(lines_.begin(), lines_.end(), at);
    return "line " + std::to_string(after - lines_.begin()) + ", column " + std::to_string(at - *(after - 1) + 1);
  }

  void Fail(const std::string& what) {
    if (ok()) status_ = Bad("the grammar is not understood at " + Place(at_) + ": " + what);
  }

  void Space(bool newlines) {
    while (!AtEnd()) {
      const char c = Peek();
      if (c == '#') {
        while (!AtEnd() && Peek() != '\n' && Peek() != '\r') ++at_;
      } else if (c == ' ' || c == '\t' || (newlines && (c == '\n' || c == '\r'))) {
        ++at_;
      } else {
        break;
      }
    }
  }

  /// A line that begins with `|` goes on with the rule above it.
  void SpaceBeforeBar() {
    const size_t before = at_;
    Space(true);
    if (Peek() != '|') {
      at_ = before;
      Space(false);
    }
  }

  std::string Name() {
    const size_t begin = at_;
    while (IsWord(Peek())) ++at_;
    if (at_ == begin) Fail("a rule's name is expected");
    return std::string(text_.substr(begin, at_ - begin));
  }

  Rule RuleOf(const std::string& name, size_t at) {
    const auto it = rules_.find(name);
    if (it != rules_.end()) return it->second;
    return rules_[name] = syntax_.AddRule(name, Place(at));
  }

  void ParseRule() {
    const size_t begin = at_;
    const std::string name = Name();
    Space(false);
    if (ok() && !Take("::=")) Fail("::= is expected after \"" + name + "\"");
    Space(true);
    if (!ok()) return;
    const Rule rule = RuleOf(name, begin);
    if (syntax_.rule(rule).defined) return Fail("rule \"" + name + "\" is defined twice");
    syntax_.Define(rule, ParseChoice(0));
    if (!ok()) return;
    if (!AtEnd() && Peek() != '\n' && Peek() != '\r') return Fail("the end of the rule is expected");
    Space(true);
  }

  Expr ParseChoice(int depth) {
    if (depth > kMostNesting) Fail("groups are nested more than " + std::to_string(kMostNesting) + " deep");
    std::vector<Expr> choices;
    do {
      if (!choices.empty()) Space(true);
      if (ok()) choices.push_back(ParseSequence(depth));
      if (depth == 0) SpaceBeforeBar();
    } while (ok() && Take("|"));
    return syntax_.Choice(choices);
  }

  Expr ParseSequence(int depth) {
    std::vector<Expr> parts;
    int in_a_row = 0;
    while (ok() && !syntax_.too_large()) {
      const size_t before = at_;
      if (const std::optional<Expr> part = ParseItem(depth)) {
        parts.push_back(*part);
        in_a_row = 0;
      } else if (Peek() == '*' || Peek() == '+' || Peek() == '?' || Peek() == '{') {
        if (parts.empty()) Fail("there is nothing to repeat");
        if (++in_a_row > kMostInARow) Fail("too many repetitions of a repetition");
        if (ok()) parts.back() = ParseRepeat(parts.back());
      }
      Space(depth > 0);
      if (at_ == before) break;
    }
    if (syntax_.too_large() && ok()) status_ = {base::StatusCode::kTooLarge, "the grammar is too large"};
    return syntax_.Sequence(parts);
  }

  std::optional<Expr> ParseItem(int depth) {
    const char c = Peek();
    if (c == '"') return ParseLiteral();
    if (c == '[') return ParseClass();
    if (c == '<' || (c == '!' && Peek(1) == '<')) return ParseToken();
    if (c == '.') {
      ++at_;
      return syntax_.Chars(CharSet::All());
    }
    if (c == '(') {
      ++at_;
      Space(true);
      const Expr group = ParseChoice(depth + 1);
      Space(true);
      if (!Take(")")) Fail("a closing parenthesis is expected");
      return group;
    }
    if (IsWord(c)) {
      const size_t begin = at_;
      return syntax_.Call(RuleOf(Name(), begin));
    }
    return std::nullopt;
  }

  uint32_t Hex(int digits) {
    uint32_t value = 0;
    const char* begin = text_.data() + at_;
    const char* end = begin + std::min<size_t>(static_cast<size_t>(digits), text_.size() - at_);
    const auto [stop, error] = std::from_chars(begin, end, value, 16);
    if (error != std::errc() || stop != begin + digits) {
      Fail(std::to_string(digits) + " hexadecimal digits are expected");
    } else if (value > kLastChar || (value >= 0xD800 && value <= 0xDFFF)) {
      Fail("there is no such character");
    }
    at_ += static_cast<size_t>(stop - begin);
    return value;
  }

  uint32_t Char() {
    if (AtEnd()) {
      Fail("the grammar ends within a text");
      return 0;
    }
    uint32_t c = 0;
    at_ += ReadUtf8(text_.substr(at_), &c);
    if (c != '\\') return c;
    const char escape = Peek();
    ++at_;
    switch (escape) {
      case 'x':
        return Hex(2);
      case 'u':
        return Hex(4);
      case 'U':
        return Hex(8);
      case 't':
        return '\t';
      case 'r':
        return '\r';
      case 'n':
        return '\n';
      case '\\':
      case '"':
      case '[':
      case ']':
      case '-':
      case '^':
        return static_cast<uint8_t>(escape);
      default:
        --at_;
        Fail("this escape is not known");
        return 0;
    }
  }

  Expr ParseLiteral() {
    ++at_;
    std::string bytes;
    while (ok() && Peek() != '"') AppendUtf8(Char(), &bytes);
    ++at_;
    return ok() ? syntax_.Bytes(bytes) : 0;
  }

  Expr ParseClass() {
    ++at_;
    const bool negated = Take("^");
    CharSet set;
    while (ok() && Peek() != ']') {
      const uint32_t first = Char();
      uint32_t last = first;
      if (Peek() == '-' && Peek(1) != ']') {
        ++at_;
        last = Char();
        if (ok() && last < first) Fail("a range of characters ends before it begins");
      }
      if (ok()) set.Add(first, last);
    }
    ++at_;
    return ok() ? syntax_.Chars(negated ? CharSet::All().Without(set) : set) : 0;
  }

  Expr ParseToken() {
    if (++tokens_ > kMostTokens) Fail("more than " + std::to_string(kMostTokens) + " tokens are named");
    if (!ok()) return 0;
    const bool negated = Take("!");
    const size_t end = text_.find('>', at_);
    if (end == std::string_view::npos) {
      Fail("a token ends with >");
      return 0;
    }
    const std::string_view name = text_.substr(at_, end + 1 - at_);
    std::optional<int32_t> token;
    if (name.size() > 4 && name[1] == '[' && name[name.size() - 2] == ']') {
      int32_t id = -1;
      const auto [stop, error] = std::from_chars(name.data() + 2, name.data() + name.size() - 2, id);
      const bool whole = error == std::errc() && stop == name.data() + name.size() - 2;
      if (whole && id >= 0 && static_cast<size_t>(id) < vocabulary_.size()) token = id;
    } else {
      token = vocabulary_.Find(name);
    }
    if (!token) Fail("this model has no single token " + std::string(name.substr(0, 60)));
    if (token && vocabulary_.Ends(*token)) Fail("a token that ends the answer cannot be part of it");
    at_ = end + 1;
    return ok() ? syntax_.Token(*token, negated) : 0;
  }

  uint32_t Number() {
    uint32_t value = 0;
    const char* begin = text_.data() + at_;
    const auto [stop, error] = std::from_chars(begin, text_.data() + text_.size(), value);
    if (error != std::errc()) Fail("a number is expected");
    if (ok() && value > kMostRepeats) Fail("so many repetitions are not possible");
    at_ += static_cast<size_t>(stop - begin);
    return value;
  }

  Expr ParseRepeat(Expr part) {
    const char kind = Peek();
    ++at_;
    if (kind == '*') return syntax_.Repeat(part, 0);
    if (kind == '+') return syntax_.Repeat(part, 1);
    if (kind == '?') return syntax_.Optional(part);
    Space(false);
    const uint32_t least = Peek() == ',' ? 0 : Number();
    uint32_t most = least;
    Space(false);
    if (ok() && Take(",")) {
      Space(false);
      most = Peek() == '}' ? kNoLimit : Number();
      Space(false);
    }
    if (ok() && !Take("}")) Fail("} is expected");
    if (ok() && most < least) Fail("at most " + std::to_string(most) + " is less than " + std::to_string(least));
    return ok() ? syntax_.Repeat(part, least, most) : 0;
  }

  std::string_view text_;
  const Vocabulary& vocabulary_;
  Syntax& syntax_;
  size_t at_ = 0;
  std::vector<size_t> lines_{0};  ///< where each begins
  int tokens_ = 0;
  std::unordered_map<std::string, Rule> rules_;
  base::Status status_;
};

}  // namespace

base::Result<Rule> ParseGbnf(std::string_view text, const Vocabulary& vocabulary, Syntax* syntax) {
  if (text.size() > kMostGbnfBytes) {
    return base::Status{base::StatusCode::kTooLarge, "the grammar is longer than 1 MiB"};
  }
  return Parser(text, vocabulary, syntax).Run();
}

}  // namespace zell::grammar
