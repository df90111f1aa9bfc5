// Scratch memory that grows to the largest batch seen so far.
#pragma once

#include "base/aligned_buffer.h"

namespace zell::backend {

template <typename T>
class ScratchBuffer {
 public:
  /// Room for n elements; what it held is gone when it grows. False when there is no memory: the old room stays.
  [[nodiscard]] bool Reserve(size_t n) {
    if (n <= buffer_.size()) return true;
    base::AlignedBuffer<T> larger(n);
    if (!larger.ok()) return false;
    buffer_ = std::move(larger);
    data_ = buffer_.data();
    return true;
  }
  T* data() const { return data_; }
  size_t bytes() const { return buffer_.size() * sizeof(T); }

 private:
  base::AlignedBuffer<T> buffer_;
  T* data_ = nullptr;
};

}  // namespace zell::backend
