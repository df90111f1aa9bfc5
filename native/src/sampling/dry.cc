#include "sampling/dry.h"

#include <algorithm>

#include "sampling/exp.h"

namespace zell::sampling::internal {
namespace {

/// For each i: how many tokens from the end backwards equal those from i tokens before the end backwards; [0] is the
/// window's size. (Z-function of the reversed window, Gusfield 1997.)
std::vector<size_t> RepeatedBefore(const std::deque<int32_t>& window) {
  const size_t n = window.size();
  const auto back = [&](size_t i) { return window[n - 1 - i]; };
  std::vector<size_t> repeated(n, n);
  size_t left = 0, right = 0;  // [left, right): the stretch known to equal the beginning that reaches furthest
  for (size_t i = 1; i < n; ++i) {
    size_t length = i < right ? std::min(right - i, repeated[i - left]) : 0;
    while (i + length < n && back(length) == back(i + length)) ++length;
    repeated[i] = length;
    if (i + length > right) left = i, right = i + length;
  }
  return repeated;
}

}  // namespace

Dry::Dry(const DryParams& params)
    : params_(params), active_(params.multiplier != 0 && params.base >= 1 && params.last_n != 0) {}

void Dry::Accept(int32_t token) {
  if (!active_) return;
  window_.push_back(token);
  if (params_.last_n > 0 && window_.size() > static_cast<size_t>(params_.last_n)) window_.pop_front();
}

size_t Dry::SinceBreaker() const {
  const size_t n = window_.size();
  for (size_t after = 0; after < n; ++after) {  // tokens behind the one that is looked at
    const auto [begin, end] = params_.breakers.equal_range(window_[n - 1 - after]);
    bool found = false;
    size_t longest = 0;
    for (auto it = begin; it != end; ++it) {
      const std::vector<int32_t>& rest = it->second;
      const bool matches = rest.size() <= after && std::equal(rest.begin(), rest.end(),
                                                              window_.begin() + static_cast<std::ptrdiff_t>(n - after));
      found |= matches;
      if (matches) longest = std::max(longest, rest.size());
    }
    if (found) return after - longest;
  }
  return n;
}

bool Dry::Breaks(int32_t token) const {
  const auto [begin, end] = params_.breakers.equal_range(token);
  return std::any_of(begin, end, [](const auto& breaker) { return breaker.second.empty(); });
}

std::unordered_map<int32_t, float> Dry::Penalties() const {
  const size_t n = window_.size(), allowed = static_cast<size_t>(params_.allowed_length);
  std::unordered_map<int32_t, float> penalties;
  if (!active_ || n <= allowed) return penalties;
  const size_t most = SinceBreaker();
  if (most < allowed) return penalties;
  const std::vector<size_t> repeated = RepeatedBefore(window_);
  std::unordered_map<int32_t, size_t> longest;
  for (size_t i = 1; i < n; ++i) {
    const size_t length = std::min(repeated[i], most);
    if (length < allowed) continue;
    size_t& known = longest.try_emplace(window_[n - i], length).first->second;
    known = std::max(known, length);
  }
  // ln FLT_MAX: above it the power is no float any more.
  constexpr double kMostLog = 88.72;
  for (const auto& [token, length] : longest) {
    if (Breaks(token)) continue;
    const double exponent = std::min(static_cast<double>(length - allowed) * Log(params_.base), kMostLog);
    const double power = exponent > 0 ? 1 / ExpNonPositive(-exponent) : 1;
    penalties.emplace(token, static_cast<float>(std::min(params_.multiplier * power, 3e38)));
  }
  return penalties;
}

void Dry::Apply(std::span<float> logits) const {
  for (const auto& [token, penalty] : Penalties()) {
    if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
    float& logit = logits[static_cast<size_t>(token)];
    logit = Ordered(logit - penalty);
  }
}

void Dry::Apply(std::vector<Candidate>& candidates) const {
  const auto penalties = Penalties();
  for (Candidate& c : candidates) {
    const auto found = penalties.find(c.token);
    if (found != penalties.end()) c.logit = Ordered(c.logit - found->second);
  }
}

}  // namespace zell::sampling::internal
