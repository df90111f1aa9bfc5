// The non-linear functions that MLPs use.
#pragma once

namespace zell::kernels {

enum class Activation {
  kSilu,         ///< x / (1 + exp(-x))
  kGelu,         ///< the form with tanh: x / (1 + exp(-2 sqrt(2/pi) (x + 0.044715 x³)))
  kRelu,         ///< max(x, 0)
  kReluSquared,  ///< max(x, 0)²
};

}  // namespace zell::kernels
