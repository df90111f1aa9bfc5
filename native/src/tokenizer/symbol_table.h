// Byte strings that merging can pass through: single bytes, tokens, and results of merges. Each has a small id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace zell::tokenizer::internal {

using Symbol = uint32_t;
constexpr Symbol kNoSymbol = 0xFFFFFFFF;

/// Filled once, then read from any thread. Symbols 0–255 are the single bytes. At most 4 GiB of text.
class SymbolTable {
 public:
  /// `expected`: how many symbols will come, so that the table does not grow in between.
  explicit SymbolTable(size_t expected);

  /// The symbol of these bytes, a new one when they are not known yet.
  Symbol Intern(std::string_view bytes);
  /// Of bytes that will be interned soon: fetches the place where they will be looked for.
  uint64_t Prepare(std::string_view bytes) const;
  /// `hash`: what Prepare gave for these bytes.
  Symbol Intern(std::string_view bytes, uint64_t hash);
  /// kNoSymbol when not known.
  Symbol Find(std::string_view bytes) const;

  std::string_view bytes(Symbol symbol) const { return {arena_.data() + starts_[symbol], length(symbol)}; }
  size_t size() const { return starts_.size() - 1; }
  size_t longest() const { return longest_; }

 private:
  struct Slot {
    Symbol symbol = kNoSymbol;
    uint32_t tag = 0;  ///< other half of the hash: tells most strangers apart without touching the arena
  };
  size_t length(Symbol symbol) const { return starts_[symbol + 1] - starts_[symbol]; }
  size_t FindSlot(std::string_view bytes, uint64_t hash) const;
  void Grow();

  std::string arena_;
  std::vector<uint32_t> starts_{0};
  std::vector<Slot> slots_;
  size_t longest_ = 0;
};

}  // namespace zell::tokenizer::internal
