// Which items a step trains, in which order, and how they share rows. All of it follows from the seed and the step's
// number, so that a checkpoint needs no more than that.
#pragma once

#include <cstdint>
#include <vector>

#include "train/recipe.h"
#include "train/row.h"

namespace zell::train {

class Batches {
 public:
  Batches(const Recipe& recipe, const std::vector<Item>& items);

  /// Of the whole training; 0 without an item that is no anchor.
  uint64_t steps() const { return steps_; }
  /// Of a step below steps(): indices of items.
  std::vector<size_t> ItemsOf(uint64_t step);

 private:
  /// The order of one pass over `pool`; anchors have orders of their own.
  const std::vector<size_t>& Order(const std::vector<size_t>& pool, uint64_t pass, bool anchors);

  const uint64_t seed_;
  std::vector<size_t> learn_, anchors_;
  uint64_t learn_per_step_ = 1, anchors_per_step_ = 0, steps_ = 0, learn_total_ = 0;
  struct Pass {
    uint64_t number = UINT64_MAX;
    std::vector<size_t> order;
  } passes_[2];
};

struct StepRows {
  std::vector<Row> rows;
  size_t tokens = 0, item_tokens = 0, anchor_tokens = 0;  ///< the latter two: counted ones
};

/// Items side by side in rows of at most recipe.row_tokens; token weights are such that the gradient is that of the
/// mean over the counted tokens (each with its item's weight), plus anchor_weight times the anchors' mean. The rows
/// refer to the items' teachers.
StepRows MakeRows(const Recipe& recipe, const std::vector<Item>& items, const std::vector<size_t>& chosen);

/// One item as a row of its own.
Row RowOf(const Item& item);

}  // namespace zell::train
