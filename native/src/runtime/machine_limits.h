// What this machine can do at most: the two figures that every speed of the engine is a share of.
#pragma once

#include <atomic>

#include "base/status.h"

namespace zell::runtime {

struct MachineLimits {
  int threads = 0;
  const char* isa = "";              ///< whose integer products were counted
  double read_bytes_per_second = 0;  ///< all threads together, from a buffer that no cache keeps if memory allows
  double int8_ops_per_second = 0;    ///< all threads together, products and additions counted; 0: no loop for this ISA
  size_t buffer_bytes = 0;           ///< that was read
};

/// Takes about a second and, for that time, an eighth of the available memory (1 GiB at most).
/// `threads` ≥ 1; `stop` ends it early with kCancelled. The best of several passes each, on threads of its own.
/// @errors kOutOfMemory, kCancelled.
base::Result<MachineLimits> MeasureLimits(int threads, const std::atomic<bool>& stop);

}  // namespace zell::runtime
