// What an importance matrix is made of: sums of squares of the inputs that each matrix of a plan was multiplied with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "backend/plan.h"

namespace zell::backend {

/// Filled by a backend that was made with it, batch after batch; to be read between runs.
struct InputSums {
  struct Entry {
    size_t columns = 0;            ///< of a matrix: how many numbers an input has
    std::vector<double> squares;   ///< [matrix][columns]
    std::vector<uint64_t> counts;  ///< [matrix] inputs that met it
    bool routed = false;           ///< tokens choose among the matrices (experts); else every one meets all of them
  };
  /// By name of the tensor, of the plan's body. A tensor that several weights are rows of is counted once for each op
  /// that reads it.
  std::map<std::string, Entry> entries;

  /// An entry for each tensor that the plan's body multiplies with; entries that are there already stay.
  void Prepare(const Plan& plan);
};

}  // namespace zell::backend
