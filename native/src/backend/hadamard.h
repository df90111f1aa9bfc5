// Rotation of a head's numbers before they are kept in few bits: what is far out spreads over its neighbours.
#pragma once

#include <cstddef>

namespace zell::backend {

/// Multiplies x [n] with an orthogonal, symmetric matrix, so that dot products of rotated vectors stay what they were
/// and a second call takes the first back: Hadamard matrices over blocks of 2, 4, 8 …, the largest that fit first.
void RotateHadamard(float* x, size_t n);

}  // namespace zell::backend
