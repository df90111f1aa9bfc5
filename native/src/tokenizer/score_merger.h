// Merging by score: two neighbours become one wherever their joined text is a token, the best token first.
#pragma once

#include <string_view>
#include <vector>

#include "tokenizer/symbol_table.h"

namespace zell::tokenizer::internal {

/// The merge loop over one word with its scratch memory; one per thread.
class ScoreMerger {
 public:
  /// `scores`: one for each symbol that may come out of a merge; symbols beyond never do. Finite.
  ScoreMerger(const SymbolTable& symbols, const std::vector<float>& scores) : symbols_(&symbols), scores_(&scores) {}

  /// Where the pieces end that are left when no two neighbours make a token: always the highest score first, and of
  /// equal ones the leftmost. O(n log n). Valid until the next call. word.size() < 2^32.
  const std::vector<uint32_t>& Run(std::string_view word);

 private:
  struct Pending {
    float score;
    uint32_t left, right;
    uint32_t bytes;  ///< of both together; tells whether either has changed since
  };
  float ScoreOf(uint32_t begin, uint32_t end) const;
  void RunShort();
  void RunLong();
  void Push(uint32_t left, uint32_t right);

  const SymbolTable* symbols_;
  const std::vector<float>* scores_;
  std::string_view word_;
  std::vector<uint32_t> ends_;  ///< of pieces
  std::vector<float> pair_scores_;
  std::vector<uint32_t> starts_, lengths_, next_, previous_;
  std::vector<Pending> heap_;
};

}  // namespace zell::tokenizer::internal
