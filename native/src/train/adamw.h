// AdamW (Loshchilov and Hutter 2019) over the numbers of an adapter, after clipping by the gradient's length.
#pragma once

#include <cstddef>
#include <cstdint>

#include "train/workers.h"

namespace zell::train {

struct AdamW {
  double rate = 0.0;
  double decay = 0.0;
  double clip = 1.0;  ///< longest gradient
  uint64_t step = 1;  ///< from 1
};

/// Moments 0.9 and 0.999, epsilon 1e-8. One order for every sum.
/// @return the gradient's length before clipping; nothing has changed when it is not finite.
double Update(Workers& workers, const AdamW& adam, float* values, const float* gradients, float* first, float* second,
              size_t n);

}  // namespace zell::train
