#include "grammar/vocabulary.h"

#include <algorithm>

namespace zell::grammar {

Vocabulary::Vocabulary(std::vector<std::string> texts, std::vector<std::string> names, std::vector<int32_t> ends)
    : texts_(std::move(texts)), names_(std::move(names)), ends_(std::move(ends)) {
  names_.resize(texts_.size());
  std::sort(ends_.begin(), ends_.end());
  for (const int32_t end : ends_) texts_[static_cast<size_t>(end)].clear();
  std::vector<int32_t> order;
  for (size_t token = 0; token < texts_.size(); ++token) {
    if (!names_[token].empty()) {
      texts_[token].clear();
      by_name_.try_emplace(names_[token], static_cast<int32_t>(token));
      longest_name_ = std::max(longest_name_, names_[token].size());
    }
    if (texts_[token].empty()) continue;
    order.push_back(static_cast<int32_t>(token));
    longest_ = std::max(longest_, texts_[token].size());
  }
  std::sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    const int compared = text(a).compare(text(b));
    return compared != 0 ? compared < 0 : a < b;
  });
  std::vector<uint32_t> path;  // nodes of the text before
  std::string_view before;
  const auto close = [&](size_t depth) {
    while (path.size() > depth) {
      trie_[path.back()].end = static_cast<uint32_t>(trie_.size());
      path.pop_back();
    }
  };
  for (const int32_t token : order) {
    const std::string_view bytes = text(token);
    size_t shared = 0;
    while (shared < bytes.size() && shared < before.size() && bytes[shared] == before[shared]) ++shared;
    close(shared);
    for (size_t i = shared; i < bytes.size(); ++i) {
      path.push_back(static_cast<uint32_t>(trie_.size()));
      trie_.push_back({.byte = static_cast<uint8_t>(bytes[i]),
                       .depth = static_cast<uint32_t>(i + 1),
                       .end = 0,
                       .tokens = static_cast<uint32_t>(tokens_.size()),
                       .count = 0});
    }
    tokens_.push_back(token);
    ++trie_[path.back()].count;
    before = bytes;
  }
  close(0);
}

bool Vocabulary::Ends(int32_t token) const { return std::binary_search(ends_.begin(), ends_.end(), token); }

std::optional<int32_t> Vocabulary::Find(std::string_view text) const {
  if (const auto it = by_name_.find(std::string(text)); it != by_name_.end()) return it->second;
  const auto it = std::find(texts_.begin(), texts_.end(), text);
  if (text.empty() || it == texts_.end()) return std::nullopt;
  return static_cast<int32_t>(it - texts_.begin());
}

std::optional<int32_t> Vocabulary::ControlAt(std::string_view text) const {
  for (size_t length = std::min(text.size(), longest_name_); length > 0; --length) {
    if (const auto it = by_name_.find(std::string(text.substr(0, length))); it != by_name_.end()) return it->second;
  }
  return std::nullopt;
}

}  // namespace zell::grammar
