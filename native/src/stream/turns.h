// The matrices of a plan that need not stay in memory: each matmul's, read anew whenever its turn comes.
#pragma once

#include <optional>
#include <vector>

#include "backend/plan.h"
#include "stream/range.h"

namespace zell::stream {

/// The matrices of one matmul.
struct Turn {
  bool head = false;
  size_t op = 0;                   ///< in the plan's body or head
  std::vector<Range> ranges;       ///< slot_offset: in the turn's memory
  std::vector<uint64_t> matrices;  ///< [part of the op] where in it each begins
  uint64_t bytes = 0;              ///< of memory: whole pages
};

/// A table of which a step needs the rows of its tokens alone.
struct RowTable {
  gguf::File::Place place;
  uint64_t row_bytes = 0;
  uint64_t rows = 0;
  backend::WeightId weight = -1;
  bool in_head = false;  ///< the head multiplies with it: it stays on the disk only together with the head
};

/// In the order in which a run comes to them.
struct Turns {
  std::vector<Turn> body;
  std::vector<Turn> head;
  std::optional<RowTable> embedding;
};

/// Matmuls whose tensors nothing else of the plan uses. The plan's weights must point into `file`'s mapping.
Turns FindTurns(const backend::Plan& plan, const gguf::File& file);

uint64_t BytesOf(const std::vector<Turn>& turns);

}  // namespace zell::stream
