// Merging by score like score_merger.h, where the tokens that start at each character are known already.
#pragma once

#include <span>
#include <vector>

#include "tokenizer/borders.h"
#include "tokenizer/symbol_table.h"

namespace zell::tokenizer::internal {

/// The merge loop over one stretch with its scratch memory; one per thread.
class StretchMerger {
 public:
  /// `scores`: of the symbols that the borders' trie holds as its tokens. Finite.
  explicit StretchMerger(const std::vector<float>& scores) : scores_(&scores) {}

  struct Piece {
    uint32_t start, bytes;  ///< in the stretch
    Token symbol;           ///< -1: a character that is no token
  };
  /// The pieces that are left when no two neighbours make a token: always the highest score first, and of equal ones
  /// the leftmost. O(n log n). Needs stretch.all_known(). Valid until the next call.
  const std::vector<Piece>& Run(const Borders& stretch);

 private:
  using Key = uint64_t;  ///< greater first: the score's order above the bits of the left side's place, inverted
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  static constexpr Key kNoPair = 0;
  void Offer(uint32_t left, bool push);
  Token SymbolOf(uint32_t left, uint32_t bytes) const;

  const std::vector<float>* scores_;
  const Borders* stretch_ = nullptr;
  std::vector<uint32_t> bytes_, next_, previous_;  ///< of pieces, by their first character
  std::vector<Key> pairs_;                         ///< each piece with the next one
  std::vector<Key> heap_;                          ///< all of pairs_, and some that were
  std::vector<Piece> pieces_;
};

}  // namespace zell::tokenizer::internal
