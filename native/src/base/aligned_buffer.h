// Memory aligned to 64 bytes (a cache line, an AVX-512 register), owned by one object.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include "base/large_pages.h"

namespace zell::base {

constexpr size_t kBufferAlignment = 64;
// Buffers from half of kHugePage on begin at a multiple of it and ask for pages of that size, which memory delivers
// faster (native/bench/stream_bench: by a sixth where this was written).

/// An array of plain values with a fixed size, zeroed. Not thread-safe, movable.
template <typename T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  static_assert(alignof(T) <= kBufferAlignment);

 public:
  AlignedBuffer() = default;
  /// Asks for `size` values; ok() is false, and the buffer empty, when there is no memory for them.
  explicit AlignedBuffer(size_t size) : AlignedBuffer(Unzeroed(size)) {
    if (size_ > 0) std::memset(static_cast<void*>(data_), 0, size_ * sizeof(T));
  }
  /// The same with values that nobody set: for memory that is written before it is read.
  static AlignedBuffer Unzeroed(size_t size) {
    AlignedBuffer buffer;
    buffer.Allocate(size);
    return buffer;
  }
  AlignedBuffer(AlignedBuffer&& other) noexcept { Swap(other); }
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept {
    AlignedBuffer moved(std::move(other));
    Swap(moved);
    return *this;
  }
  ~AlignedBuffer() { ::operator delete(static_cast<void*>(data_), Alignment(size_)); }

  bool ok() const { return ok_; }
  size_t size() const { return size_; }
  T* data() { return data_; }
  const T* data() const { return data_; }
  T& operator[](size_t i) { return data_[i]; }
  const T& operator[](size_t i) const { return data_[i]; }
  std::span<T> span() { return {data_, size_}; }
  std::span<const T> span() const { return {data_, size_}; }

 private:
  void Allocate(size_t size) {
    if (size == 0 || size > (std::numeric_limits<size_t>::max() - kBufferAlignment) / sizeof(T)) {
      ok_ = size == 0;
      return;
    }
    data_ = static_cast<T*>(::operator new(size * sizeof(T), Alignment(size), std::nothrow));
    ok_ = data_ != nullptr;
    if (!ok_) return;
    size_ = size;
#if defined(__linux__)
    // Advice only: without it everything works the same.
    if (Alignment(size) == std::align_val_t{kHugePage}) madvise(data_, size * sizeof(T), MADV_HUGEPAGE);
#endif
  }
  static std::align_val_t Alignment(size_t size) {
    return std::align_val_t{size * sizeof(T) >= kHugePage / 2 ? kHugePage : kBufferAlignment};
  }
  void Swap(AlignedBuffer& other) {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(ok_, other.ok_);
  }
  T* data_ = nullptr;
  size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace zell::base
