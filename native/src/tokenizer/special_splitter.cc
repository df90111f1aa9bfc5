// A byte trie gives, for each position, the longest token that starts there; then tokens claim their places in order of
// length. A position whose claim fails competes again with its next shorter token.
#include "tokenizer/special_splitter.h"

#include <algorithm>
#include <cstddef>

namespace zell::tokenizer::internal {
namespace {

bool IsAsciiSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

SpecialSplitter::SpecialSplitter(std::vector<Entry> entries) : entries_(std::move(entries)), nodes_(1) {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.text.size() > b.text.size(); });
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    strips_ |= entries_[i].strips_left || entries_[i].strips_right;
    Insert(i);
  }
}

uint32_t SpecialSplitter::Child(uint32_t node, uint8_t byte) const {
  uint32_t child = nodes_[node].first_child;
  while (child != 0 && nodes_[child].byte != byte) child = nodes_[child].next_sibling;
  return child;
}

void SpecialSplitter::Insert(uint32_t entry) {
  uint32_t node = 0;
  for (const char c : entries_[entry].text) {
    const auto byte = static_cast<uint8_t>(c);
    uint32_t child = Child(node, byte);
    if (child == 0) {
      child = static_cast<uint32_t>(nodes_.size());
      nodes_.push_back({0, nodes_[node].first_child, 0, byte});
      nodes_[node].first_child = child;
      if (node == 0) root_child_[byte] = child;
    }
    node = child;
  }
  if (nodes_[node].entry == 0) nodes_[node].entry = entry + 1;
}

uint32_t SpecialSplitter::LongestAt(std::string_view text, bool parse_special, size_t below) const {
  uint32_t longest = 0;
  uint32_t node = root_child_[static_cast<uint8_t>(text[0])];
  for (size_t i = 1; node != 0 && i < below; ++i) {
    const uint32_t entry = nodes_[node].entry;
    if (entry != 0 && (parse_special || !entries_[entry - 1].needs_parse_special)) longest = entry;
    node = i < text.size() ? Child(node, static_cast<uint8_t>(text[i])) : 0;
  }
  return longest;
}

std::vector<Fragment> SpecialSplitter::Split(std::string_view text, bool parse_special) const {
  if (text.empty()) return {};
  struct Claim {
    uint32_t entry;
    size_t position;
    // Entries are sorted by length already. std::push_heap keeps the greatest in front.
    bool operator<(const Claim& other) const {
      return entry != other.entry ? entry > other.entry : position > other.position;
    }
  };
  std::vector<Claim> claims;
  for (size_t i = 0; i < text.size(); ++i) {
    const uint32_t entry = LongestAt(text.substr(i), parse_special, SIZE_MAX);
    if (entry != 0) claims.push_back({entry - 1, i});
  }
  if (claims.empty()) return {{text, -1}};

  std::vector<Claim> granted;
  std::vector<bool> taken(text.size());
  std::make_heap(claims.begin(), claims.end());
  while (!claims.empty()) {
    std::pop_heap(claims.begin(), claims.end());
    const Claim claim = claims.back();
    claims.pop_back();
    const size_t length = entries_[claim.entry].text.size();
    if (taken[claim.position]) continue;
    // What was granted is at least as long, so an overlap covers this one's start or its end. Stripped spaces may also
    // lie in between.
    const auto first = taken.begin() + static_cast<ptrdiff_t>(claim.position);
    const auto last = first + static_cast<ptrdiff_t>(length);
    if (!*(last - 1) && (!strips_ || std::find(first, last, true) == last)) {
      std::fill(first, last, true);
      granted.push_back(claim);
      const Entry& entry = entries_[claim.entry];
      for (size_t i = claim.position; entry.strips_left && i > 0 && !taken[i - 1] && IsAsciiSpace(text[i - 1]); --i) {
        taken[i - 1] = true;
      }
      for (size_t i = claim.position + length;
           entry.strips_right && i < text.size() && !taken[i] && IsAsciiSpace(text[i]); ++i) {
        taken[i] = true;
      }
      continue;
    }
    const uint32_t shorter = LongestAt(text.substr(claim.position), parse_special, length);
    if (shorter == 0) continue;
    claims.push_back({shorter - 1, claim.position});
    std::push_heap(claims.begin(), claims.end());
  }
  std::sort(granted.begin(), granted.end(), [](const Claim& a, const Claim& b) { return a.position < b.position; });

  std::vector<Fragment> fragments;
  // What is taken beside a token is stripped.
  const auto add_plain = [&](size_t begin, size_t end) {
    while (begin < end && taken[begin]) ++begin;
    while (begin < end && taken[end - 1]) --end;
    if (begin < end) fragments.push_back({text.substr(begin, end - begin), -1});
  };
  size_t done = 0;
  for (const Claim& claim : granted) {
    const Entry& entry = entries_[claim.entry];
    add_plain(done, claim.position);
    fragments.push_back({text.substr(claim.position, entry.text.size()), entry.token});
    done = claim.position + entry.text.size();
  }
  add_plain(done, text.size());
  return fragments;
}

}  // namespace zell::tokenizer::internal
