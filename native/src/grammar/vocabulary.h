// The tokens of a model as bytes, ordered so that all of them can be tried at once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace zell::grammar {

/// Immutable: any thread may read it.
class Vocabulary {
 public:
  /// texts: what each token adds to an answer, empty: nothing. names: of control tokens, empty for others; they match
  /// no text. ends: tokens that end an answer; they match nothing either. No token but theirs has number ≥
  /// texts.size().
  Vocabulary(std::vector<std::string> texts, std::vector<std::string> names, std::vector<int32_t> ends);

  /// A node of the trie of all texts, in the order of a depth-first walk.
  struct Node {
    uint8_t byte;
    uint8_t unused[3] = {};
    uint32_t depth;   ///< bytes from the root; the first byte's is 1
    uint32_t end;     ///< the first node that does not lie below this one
    uint32_t tokens;  ///< index of the first token that ends here
    uint32_t count;   ///< how many end here
  };

  size_t size() const { return texts_.size(); }
  size_t words() const { return (texts_.size() + 63) / 64; }
  std::span<const Node> trie() const { return trie_; }
  std::span<const int32_t> TokensAt(const Node& node) const {
    return std::span(tokens_).subspan(node.tokens, node.count);
  }
  /// Empty for tokens that match no text.
  std::string_view text(int32_t token) const { return texts_[static_cast<size_t>(token)]; }
  /// Of a control token; else empty.
  std::string_view name(int32_t token) const { return names_[static_cast<size_t>(token)]; }
  std::span<const int32_t> ends() const { return ends_; }
  bool Ends(int32_t token) const;
  /// The token with this name or text; names first.
  std::optional<int32_t> Find(std::string_view text) const;
  /// The control token whose name `text` begins with, the longest; nullopt: none.
  std::optional<int32_t> ControlAt(std::string_view text) const;
  /// In bytes.
  size_t longest() const { return longest_; }

 private:
  std::vector<std::string> texts_, names_;
  std::vector<int32_t> ends_;
  std::vector<Node> trie_;
  std::vector<int32_t> tokens_;
  std::unordered_map<std::string, int32_t> by_name_;
  size_t longest_ = 0, longest_name_ = 0;
};

}  // namespace zell::grammar
