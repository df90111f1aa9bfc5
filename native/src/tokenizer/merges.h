// Byte-pair merging: the rank table and the merge loop over one word.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/symbol_table.h"

namespace zell::tokenizer::internal {

/// What merging two neighbours gives; a lower rank goes first.
struct Merge {
  uint32_t rank;
  Symbol result;
};

/// Pairs of symbols that merge. Filled once, then read from any thread.
class MergeTable {
 public:
  explicit MergeTable(size_t expected);
  /// The first Add of a pair counts.
  void Add(Symbol left, Symbol right, Merge merge);
  /// nullptr when the two do not merge.
  const Merge* Find(Symbol left, Symbol right) const {
    const uint64_t key = Key(left, right);
    for (size_t i = Home(key);; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return &slots_[i].merge;
      if (slots_[i].key == kEmpty) return nullptr;
    }
  }

 private:
  struct Slot {
    uint64_t key = kEmpty;
    Merge merge{};
  };
  static constexpr uint64_t kEmpty = 0xFFFFFFFFFFFFFFFF;  // kNoSymbol twice, so never a pair
  static uint64_t Key(Symbol left, Symbol right) { return uint64_t{left} << 32 | right; }
  size_t Home(uint64_t key) const {
    key *= 0x9E3779B97F4A7C15;
    return (key ^ key >> 32) & mask_;
  }

  std::vector<Slot> slots_;
  size_t mask_;
};

/// The merge loop with its scratch memory; one per thread.
class WordMerger {
 public:
  explicit WordMerger(const MergeTable& merges) : merges_(&merges) {}

  /// The symbols that are left when no pair of neighbours merges any more: always the lowest rank first, and of equal
  /// ranks the leftmost. O(n log n). Valid until the next call. word.size() < 2^32.
  const std::vector<Symbol>& Run(std::string_view word);
  /// The same, starting from `symbols` instead of single bytes.
  const std::vector<Symbol>& Run(std::span<const Symbol> symbols);

 private:
  const std::vector<Symbol>& RunAny();
  void RunShort();
  void RunLong();

  struct Pending {
    uint64_t order;  ///< rank, then position
    Symbol result;
    uint32_t right;  ///< position of the right neighbour
  };
  void Push(uint32_t left, uint32_t right);

  const MergeTable* merges_;
  std::vector<Symbol> symbols_;
  std::vector<uint32_t> ranks_;
  std::vector<uint32_t> next_, previous_;
  std::vector<Pending> heap_;
};

}  // namespace zell::tokenizer::internal
