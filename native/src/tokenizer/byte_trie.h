// Finds the tokens that start at a place in the text.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace zell::tokenizer::internal {

/// Filled once, then read from any thread. Nine bytes a node.
class ByteTrie {
 public:
  using Node = uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr Node kNone = 0;  ///< the root is nobody's child
  struct Entry {
    std::string_view text;  ///< read by the constructor only
    Token token;
  };

  ByteTrie() : ByteTrie(std::vector<Entry>()) {}
  /// Of entries with equal texts the first counts; empty ones are dropped.
  explicit ByteTrie(std::vector<Entry> entries);

  Node Child(Node node, uint8_t byte) const {
    if (node == kRoot) return root_[byte];
    const uint32_t first = links_[node].first_child;
    const uint32_t end = links_[node + 1].first_child;
    if (end - first > kFewChildren) {
      const void* found = std::memchr(&labels_[first], byte, end - first);
      return found == nullptr ? kNone : static_cast<Node>(static_cast<const uint8_t*>(found) - labels_.data());
    }
    for (Node child = first; child < end; ++child) {
      if (labels_[child] == byte) return child;
    }
    return kNone;
  }
  /// The token that ends at a node; -1: none.
  Token TokenAt(Node node) const { return links_[node].token; }

  struct Match {
    Token token = -1;
    size_t length = 0;
  };
  /// The longest entry that `text` starts with; token -1 when there is none.
  Match Longest(std::string_view text) const {
    Match match;
    Node node = kRoot;
    for (size_t i = 0; i < text.size(); ++i) {
      node = Child(node, static_cast<uint8_t>(text[i]));
      if (node == kNone) break;
      if (TokenAt(node) >= 0) match = {TokenAt(node), i + 1};
    }
    return match;
  }

 private:
  // Nodes are numbered level by level, so that the children of a node are neighbours.
  struct Link {
    uint32_t first_child;  ///< the next node's says where they end
    Token token;
  };
  static constexpr uint32_t kFewChildren = 6;
  std::vector<Link> links_;
  std::vector<uint8_t> labels_;  ///< the byte that leads to a node
  std::array<Node, 256> root_{};
};

}  // namespace zell::tokenizer::internal
