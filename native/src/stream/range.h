// Parts of a file as direct reads want them: from and to whole pages.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/aligned_buffer.h"
#include "gguf/file.h"

namespace zell::stream {

/// Bytes of a file, from and to multiples of base::kDirectAlignment, and where in a slot they go.
struct Range {
  uint32_t shard = 0;
  uint64_t offset = 0;
  uint64_t bytes = 0;
  uint64_t slot_offset = 0;
};

/// A matrix in a file.
struct Extent {
  gguf::File::Place place;
  uint64_t bytes = 0;
};

/// Adds to `ranges` those that hold the extents, from `*slot_offset` on, which moves behind them. Extents that touch
/// each other in the file are one range. @returns for each extent where in the slot it begins.
std::vector<uint64_t> LayOut(std::span<const Extent> extents, std::vector<Range>& ranges, uint64_t* slot_offset);

/// Memory that direct reads may fill: begins at a multiple of base::kDirectAlignment.
class DirectBuffer {
 public:
  /// Of `bytes`; false when there is no memory for them.
  [[nodiscard]] bool Allocate(uint64_t bytes);
  uint8_t* data() const { return first_; }
  uint64_t size() const { return size_; }

 private:
  base::AlignedBuffer<uint8_t> memory_;
  uint8_t* first_ = nullptr;
  uint64_t size_ = 0;
};

}  // namespace zell::stream
