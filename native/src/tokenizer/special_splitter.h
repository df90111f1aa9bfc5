// Finds special tokens in text, before anything else looks at it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace zell::tokenizer::internal {

/// A stretch of the text: one special token, or plain text when `token` is -1.
struct Fragment {
  std::string_view text;
  Token token;
};

/// Immutable after the constructor.
class SpecialSplitter {
 public:
  struct Entry {
    std::string_view text;  ///< not empty; must outlive the splitter
    Token token;
    bool needs_parse_special;
    bool strips_left = false;   ///< ASCII white space before the token belongs to nothing
    bool strips_right = false;  ///< the same behind it
  };
  /// Of entries with equal texts the first counts.
  explicit SpecialSplitter(std::vector<Entry> entries);

  /// Covers the text but for stripped white space, no fragment empty. Longer tokens win over shorter ones wherever the
  /// two overlap, and of equally long ones the first in the vocabulary; one token's own overlapping occurrences are
  /// taken from the left.
  std::vector<Fragment> Split(std::string_view text, bool parse_special) const;

 private:
  struct Node {
    uint32_t first_child = 0;   ///< 0: none (the root is nobody's child)
    uint32_t next_sibling = 0;  ///< 0: none
    uint32_t entry = 0;         ///< index + 1 of the entry that ends here, 0: none
    uint8_t byte = 0;
  };
  /// entries_ index + 1 of the longest wanted entry at the start of `text` that is shorter than `below`; 0: none.
  uint32_t LongestAt(std::string_view text, bool parse_special, size_t below) const;
  uint32_t Child(uint32_t node, uint8_t byte) const;
  void Insert(uint32_t entry);

  std::vector<Entry> entries_;  ///< longest first
  std::vector<Node> nodes_;
  uint32_t root_child_[256] = {};
  bool strips_ = false;  ///< any entry
};

}  // namespace zell::tokenizer::internal
