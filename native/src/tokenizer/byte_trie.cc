// Builds the trie level by level from sorted entries.
#include "tokenizer/byte_trie.h"

#include <algorithm>

namespace zell::tokenizer::internal {

ByteTrie::ByteTrie(std::vector<Entry> entries) {
  std::erase_if(entries, [](const Entry& e) { return e.text.empty(); });
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.text < b.text; });
  // The entries below a node; those of one level follow each other.
  struct Range {
    uint32_t begin, end;
  };
  std::vector<Range> level{{0, static_cast<uint32_t>(entries.size())}};
  labels_.push_back(0);
  for (size_t depth = 0; !level.empty(); ++depth) {
    std::vector<Range> next;
    auto child = static_cast<uint32_t>(labels_.size());
    for (Range range : level) {
      links_.push_back({child, -1});
      for (; range.begin < range.end && entries[range.begin].text.size() == depth; ++range.begin) {
        if (links_.back().token < 0) links_.back().token = entries[range.begin].token;
      }
      while (range.begin < range.end) {
        const auto byte = static_cast<uint8_t>(entries[range.begin].text[depth]);
        uint32_t end = range.begin + 1;
        while (end < range.end && static_cast<uint8_t>(entries[end].text[depth]) == byte) ++end;
        if (depth == 0) root_[byte] = child;
        next.push_back({range.begin, end});
        labels_.push_back(byte);
        ++child;
        range.begin = end;
      }
    }
    level = std::move(next);
  }
  links_.push_back({static_cast<uint32_t>(labels_.size()), -1});
}

}  // namespace zell::tokenizer::internal
