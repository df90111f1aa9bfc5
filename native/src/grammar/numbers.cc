#include "grammar/numbers.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <tuple>

namespace zell::grammar {
namespace {

constexpr size_t kMostDigits = 15;
/// Digits after those of a bound.
constexpr uint32_t kMoreDigits = 8;
constexpr int64_t kMostInteger = 999'999'999'999'999;

/// Digits of one sign: [low, high], both of the same length.
class Ranges {
 public:
  Ranges(Syntax* syntax, JsonSyntax* json) : syntax_(*syntax), json_(*json) {}

  Expr Digit(char first, char last) {
    if (first > last) return syntax_.Never();
    return syntax_.Chars(CharSet{{static_cast<uint32_t>(first), static_cast<uint32_t>(last)}});
  }

  /// Whole numbers in [low, high], 0 ≤ low.
  Expr Whole(int64_t low, int64_t high) {
    std::vector<Expr> choices;
    for (int64_t first = 0, last = 9; first <= high; first = last + 1, last = last * 10 + 9) {
      if (last < low) continue;
      choices.push_back(SameLength(std::to_string(std::max(low, first)), std::to_string(std::min(high, last))));
    }
    return syntax_.Choice(choices);
  }

  /// What may follow the whole part, so that the digits after the point are within two others (of bounds that count).
  Expr Fraction(std::optional<Bound> low, std::optional<Bound> high) {
    const auto digits = [](const std::optional<Bound>& b) { return b ? b->value.fraction : std::string(); };
    const Side below{low.has_value(), low && low->exclusive}, above{high.has_value(), high && high->exclusive};
    std::vector<Expr> choices;
    if (MayStop(digits(low), below, digits(high), above)) choices.push_back(syntax_.Empty());
    choices.push_back(
        syntax_.Sequence({syntax_.Bytes("."), Behind(digits(low), below, digits(high), above, kMoreDigits, true)}));
    return syntax_.Choice(choices);
  }

 private:
  /// Whether the digits so far equal the bound's, so that it still counts; and whether equal ones are too few or many.
  struct Side {
    bool counts;
    bool exclusive;
  };

  Expr SameLength(const std::string& low, const std::string& high) {
    if (low.empty()) return syntax_.Empty();
    const std::string low_rest = low.substr(1), high_rest = high.substr(1);
    const uint32_t rest = static_cast<uint32_t>(low_rest.size());
    const bool free = low_rest == std::string(rest, '0') && high_rest == std::string(rest, '9');
    if (free) return syntax_.Sequence({Digit(low[0], high[0]), json_.Digits(rest, rest)});
    if (low[0] == high[0]) return syntax_.Sequence({Digit(low[0], low[0]), SameLength(low_rest, high_rest)});
    return syntax_.Choice({
        syntax_.Sequence({Digit(low[0], low[0]), SameLength(low_rest, std::string(rest, '9'))}),
        syntax_.Sequence(
            {Digit(static_cast<char>(low[0] + 1), static_cast<char>(high[0] - 1)), json_.Digits(rest, rest)}),
        syntax_.Sequence({Digit(high[0], high[0]), SameLength(std::string(rest, '0'), high_rest)}),
    });
  }

  /// Fractions end in no zero, so an empty one is 0.
  static bool MayStop(const std::string& low, Side below, const std::string& high, Side above) {
    return (!below.counts || (low.empty() && !below.exclusive)) && (!above.counts || !high.empty() || !above.exclusive);
  }

  /// Digits that go on between what is left of two fractions. left: digits beyond the bounds' own.
  Expr Behind(const std::string& low, Side below, const std::string& high, Side above, uint32_t left, bool first) {
    if (below.counts && low.empty() && !below.exclusive) below.counts = false;
    if (!below.counts && !above.counts) return json_.Digits(first ? 1 : 0, kMoreDigits);
    std::vector<Expr> choices;
    if (!first && MayStop(low, below, high, above)) choices.push_back(syntax_.Empty());
    const bool beyond = (!below.counts || low.empty()) && (!above.counts || high.empty());
    if (beyond && left == 0) return syntax_.Choice(choices);
    const char least = !below.counts || low.empty() ? '0' : low[0], most = above.counts ? Front(high) : '9';
    if (least > most) return syntax_.Choice(choices);
    const uint32_t rest = beyond ? left - 1 : left;
    const auto tail = [](const std::string& text) { return text.empty() ? text : text.substr(1); };
    const Side none{false, false};
    if (below.counts && above.counts && least == most) {
      choices.push_back(
          syntax_.Sequence({Digit(least, least), Behind(tail(low), below, tail(high), above, rest, false)}));
      return syntax_.Choice(choices);
    }
    const char from = static_cast<char>(below.counts ? least + 1 : least);
    const char to = static_cast<char>(above.counts ? most - 1 : most);
    if (below.counts) {
      choices.push_back(syntax_.Sequence({Digit(least, least), Behind(tail(low), below, {}, none, rest, false)}));
    }
    if (from <= to) choices.push_back(syntax_.Sequence({Digit(from, to), json_.Digits(0, kMoreDigits)}));
    if (above.counts) {
      choices.push_back(syntax_.Sequence({Digit(most, most), Behind({}, none, tail(high), above, rest, false)}));
    }
    return syntax_.Choice(choices);
  }

  static char Front(const std::string& digits) { return digits.empty() ? '0' : digits[0]; }

  Syntax& syntax_;
  JsonSyntax& json_;
};

int64_t WholeOf(const Decimal& value) {
  int64_t whole = 0;
  if (value.whole.size() > kMostDigits) return kMostInteger + 1;
  std::from_chars(value.whole.data(), value.whole.data() + value.whole.size(), whole);
  return whole;
}

/// The least whole number above a bound; the greatest below one when `up` is false.
int64_t Nearest(const Bound& bound, bool up) {
  const int64_t whole = WholeOf(bound.value), value = bound.value.negative ? -whole : whole;
  if (!bound.value.fraction.empty()) return bound.value.negative == up ? value : up ? value + 1 : value - 1;
  return value + (bound.exclusive ? (up ? 1 : -1) : 0);
}

/// Fractions of one sign, both bounds as distances from 0.
Expr Fractions(const std::optional<Bound>& low, const std::optional<Bound>& high, Syntax* syntax, JsonSyntax* json) {
  Ranges ranges(syntax, json);
  const int64_t first = low ? WholeOf(low->value) : 0;
  const int64_t last = high ? std::min(WholeOf(high->value), kMostInteger + 1) : kMostInteger + 1;
  std::vector<Expr> choices;
  const auto number = [&](int64_t from, int64_t to, std::optional<Bound> below, std::optional<Bound> above) {
    if (from > to || from > kMostInteger) return;
    choices.push_back(syntax->Sequence(
        {ranges.Whole(from, std::min(to, kMostInteger)), ranges.Fraction(std::move(below), std::move(above))}));
  };
  if (first == last) {
    number(first, last, low, high);
  } else {
    if (low) number(first, first, low, std::nullopt);
    number(low ? first + 1 : first, high ? last - 1 : last, std::nullopt, std::nullopt);
    if (high && last > first) number(last, last, std::nullopt, high);
  }
  return syntax->Choice(choices);
}

}  // namespace

std::optional<Decimal> Decimal::Of(std::string_view number) {
  Decimal out;
  if (!number.empty() && number[0] == '-') {
    out.negative = true;
    number.remove_prefix(1);
  }
  const size_t e = number.find_first_of("eE");
  int exponent = 0;
  if (e != std::string_view::npos) {
    std::string_view text = number.substr(e + 1);
    if (!text.empty() && text[0] == '+') text.remove_prefix(1);
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (error != std::errc() || std::abs(exponent) > 40) return std::nullopt;
    number = number.substr(0, e);
  }
  const size_t point = std::min(number.find('.'), number.size());
  std::string digits(number.substr(0, point));
  if (point < number.size()) digits += number.substr(point + 1);
  if (digits.size() > 100) return std::nullopt;
  const int whole = static_cast<int>(point) + exponent;
  if (whole <= 0) digits.insert(0, static_cast<size_t>(1 - whole), '0');
  const size_t split = static_cast<size_t>(std::max(whole, 1));
  if (digits.size() < split) digits.append(split - digits.size(), '0');
  out.whole = digits.substr(0, split);
  out.fraction = digits.substr(split);
  out.whole.erase(0, std::min(out.whole.find_first_not_of('0'), out.whole.size() - 1));
  out.fraction.erase(out.fraction.find_last_not_of('0') + 1);
  if (out.whole == "0" && out.fraction.empty()) out.negative = false;
  return out;
}

Expr IntegerWithin(const NumberBounds& bounds, Syntax* syntax, JsonSyntax* json) {
  const int64_t low = bounds.low ? std::max(Nearest(*bounds.low, true), -kMostInteger) : -kMostInteger;
  const int64_t high = bounds.high ? std::min(Nearest(*bounds.high, false), kMostInteger) : kMostInteger;
  Ranges ranges(syntax, json);
  std::vector<Expr> choices;
  if (low < 0 && low <= high) {
    choices.push_back(syntax->Sequence({syntax->Bytes("-"), ranges.Whole(std::max<int64_t>(1, -high), -low)}));
  }
  if (high >= 0 && low <= high) choices.push_back(ranges.Whole(std::max<int64_t>(0, low), high));
  return syntax->Choice(choices);
}

Expr NumberWithin(const NumberBounds& bounds, Syntax* syntax, JsonSyntax* json) {
  const std::optional<Bound>&low = bounds.low, &high = bounds.high;
  const auto distance = [](const std::optional<Bound>& bound) {
    std::optional<Bound> out = bound;
    if (out) out->value.negative = false;
    return out;
  };
  const auto below = [](const Bound& a, const Bound& b) {
    const auto key = [](const Decimal& d) { return std::tuple(d.whole.size(), d.whole, d.fraction); };
    const bool less = key(a.value) < key(b.value), equal = key(a.value) == key(b.value);
    return less || (equal && !a.exclusive && !b.exclusive);
  };
  std::vector<Expr> choices;
  const bool low_negative = !low || low->value.negative, high_negative = high && high->value.negative;
  if (low_negative && !(high_negative && low && !below(distance(high).value(), distance(low).value()))) {
    const Bound above_zero{.value = {}, .exclusive = true};
    choices.push_back(syntax->Sequence(
        {syntax->Bytes("-"), Fractions(high_negative ? distance(high) : above_zero, distance(low), syntax, json)}));
  }
  const bool in_order = low_negative || !high || below(*low, *high);
  if (!high_negative && in_order) {
    choices.push_back(Fractions(low_negative ? std::nullopt : low, high, syntax, json));
  }
  return syntax->Choice(choices);
}

Expr MultiplesOf(uint32_t factor, Syntax* syntax) {
  // One rule for what is left of the digits so far, and how many digits may follow.
  std::vector<std::vector<Rule>> rules(kMostDigits + 1, std::vector<Rule>(factor));
  for (auto& row : rules) {
    for (Rule& rule : row) rule = syntax->AddRule("multiple of " + std::to_string(factor));
  }
  const auto digits = [&](uint32_t remainder, size_t left, uint32_t first) {
    std::vector<Expr> choices;
    for (uint32_t digit = first; digit <= 9; ++digit) {
      choices.push_back(syntax->Sequence({syntax->Bytes(std::string(1, static_cast<char>('0' + digit))),
                                          syntax->Call(rules[left - 1][(remainder * 10 + digit) % factor])}));
    }
    return choices;
  };
  for (size_t left = 0; left <= kMostDigits; ++left) {
    for (uint32_t remainder = 0; remainder < factor; ++remainder) {
      std::vector<Expr> choices;
      if (left > 0) choices = digits(remainder, left, 0);
      if (remainder == 0) choices.push_back(syntax->Empty());
      syntax->Define(rules[left][remainder], syntax->Choice(choices));
    }
  }
  const Expr positive = syntax->Choice(digits(0, kMostDigits, 1));
  return syntax->Choice({syntax->Bytes("0"), syntax->Sequence({syntax->Optional(syntax->Bytes("-")), positive})});
}

}  // namespace zell::grammar
