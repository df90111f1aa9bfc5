#include <deque>

#include "grammar/program.h"

namespace zell::grammar {

Triggers::Triggers(const std::vector<std::string>& texts) {
  constexpr uint32_t kNone = kFound - 1;
  struct State {
    uint32_t fallback = 0;
    bool found = false;
  };
  std::vector<State> states(1);
  next_.assign(256, kNone);
  for (const std::string& text : texts) {
    uint32_t at = 0;
    for (const char c : text) {
      const size_t cell = at * size_t{256} + static_cast<uint8_t>(c);
      if (next_[cell] == kNone) {
        next_[cell] = static_cast<uint32_t>(states.size());
        states.push_back({});
        next_.resize(next_.size() + 256, kNone);
      }
      at = next_[cell];
    }
    states[at].found = true;
  }
  // By depth: the fallback of a state is the longest shorter end of it that begins a text.
  std::deque<uint32_t> open{0};
  while (!open.empty()) {
    const uint32_t state = open.front();
    open.pop_front();
    for (size_t byte = 0; byte < 256; ++byte) {
      uint32_t& next = next_[state * size_t{256} + byte];
      const uint32_t other = state == 0 ? 0 : next_[states[state].fallback * size_t{256} + byte];
      if (next == kNone) {
        next = other;
      } else {
        states[next].fallback = other;
        states[next].found |= states[other].found;
        open.push_back(next);
      }
    }
  }
  for (uint32_t& next : next_) {
    if (states[next].found) next = kFound;
  }
}

}  // namespace zell::grammar
