#include "backend/hadamard.h"

#include <bit>
#include <cmath>

namespace zell::backend {
namespace {

void RotateBlock(float* x, size_t n) {
  for (size_t half = 1; half < n; half *= 2) {
    for (size_t first = 0; first < n; first += 2 * half) {
      for (size_t i = first; i < first + half; ++i) {
        const float a = x[i], b = x[i + half];
        x[i] = a + b;
        x[i + half] = a - b;
      }
    }
  }
  const float scale = 1.0f / std::sqrt(static_cast<float>(n));
  for (size_t i = 0; i < n; ++i) x[i] *= scale;
}

}  // namespace

void RotateHadamard(float* x, size_t n) {
  while (n > 0) {
    const size_t block = std::bit_floor(n);
    RotateBlock(x, block);
    x += block;
    n -= block;
  }
}

}  // namespace zell::backend
