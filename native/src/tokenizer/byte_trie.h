// Finds the tokens that start at a place in the text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace zell::tokenizer::internal {

/// A double array: a step is one load and one comparison. Filled once, then read from any thread. Twelve bytes a cell,
/// nearly as many cells as nodes.
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
    const Node child = cells_[node].base ^ byte;
    return cells_[child].parent == node ? child : kNone;
  }
  /// The token that ends at a node; -1: none.
  Token TokenAt(Node node) const { return cells_[node].token; }

  struct Match {
    Token token = -1;
    size_t length = 0;
  };
  /// The longest entry that `text` starts with; token -1 when there is none.
  Match Longest(std::string_view text) const {
    Match match;
    ForEachPrefix(text, [&](Token token, size_t length) { match = {token, length}; });
    return match;
  }
  /// Calls visit(token, length) for every entry that `text` starts with, the shortest first.
  template <class Visit>
  void ForEachPrefix(std::string_view text, Visit&& visit) const {
    Node node = kRoot;
    for (size_t i = 0; i < text.size();) {
      node = Child(node, static_cast<uint8_t>(text[i++]));
      if (node == kNone) break;
      if (const Token token = TokenAt(node); token >= 0) visit(token, i);
    }
  }

 private:
  static constexpr Node kNobody = 0xFFFFFFFF;
  struct Cell {
    Node base = 0;  ///< a node's child by a byte is in cell `base ^ byte`, of the same 256
    Node parent = kNobody;
    Token token = -1;
  };
  friend class ByteTrieBuilder;
  std::vector<Cell> cells_;  ///< whole blocks of 256; the root is the first
};

}  // namespace zell::tokenizer::internal
