// Rotation of queries and keys by their position; backward is the rotation the other way.
#include <cmath>

#include "train/ops.h"

namespace zell::train {

void RopeTable::Build(const backend::RopeSpec& rope, size_t positions) {
  split_halves_ = rope.split_halves;
  half_ = rope.turns.size();
  cosine_.resize(positions * half_);
  sine_.resize(positions * half_);
  for (size_t p = 0; p < positions; ++p) {
    const double position = static_cast<double>(p);
    double size = rope.magnitude;
    if (rope.growth != 0) size *= 1 + rope.growth * std::log1p(std::floor(position / rope.growth_step));
    for (size_t i = 0; i < half_; ++i) {
      cosine_[p * half_ + i] = static_cast<float>(std::cos(position * rope.turns[i]) * size);
      sine_[p * half_ + i] = static_cast<float>(std::sin(position * rope.turns[i]) * size);
    }
  }
}

void RopeTable::Turn(float* x, size_t heads, size_t head_dim, size_t offset, size_t position, float direction) const {
  const float *cosine = cosine_.data() + position * half_, *sine = sine_.data() + position * half_;
  const size_t step = split_halves_ ? 1 : 2, distance = split_halves_ ? half_ : 1;
  for (size_t h = 0; h < heads; ++h) {
    float* pairs = x + h * head_dim + offset;
    for (size_t i = 0; i < half_; ++i) {
      float &first = pairs[i * step], &second = pairs[i * step + distance];
      const float a = first, b = second, s = direction * sine[i];
      first = a * cosine[i] - b * s;
      second = a * s + b * cosine[i];
    }
  }
}

}  // namespace zell::train
