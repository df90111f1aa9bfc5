#include "stream/range.h"

#include <limits>

#include "base/direct_file.h"

namespace zell::stream {

std::vector<uint64_t> LayOut(std::span<const Extent> extents, std::vector<Range>& ranges, uint64_t* slot_offset) {
  constexpr uint64_t kPage = base::kDirectAlignment;
  std::vector<uint64_t> begins;
  for (size_t i = 0; i < extents.size(); ++i) {
    const gguf::File::Place place = extents[i].place;
    const bool touches = i > 0 && place.shard == extents[i - 1].place.shard &&
                         place.offset == extents[i - 1].place.offset + extents[i - 1].bytes;
    if (!touches) ranges.push_back({place.shard, place.offset / kPage * kPage, 0, *slot_offset});
    Range& range = ranges.back();
    range.bytes = (place.offset + extents[i].bytes + kPage - 1) / kPage * kPage - range.offset;
    begins.push_back(range.slot_offset + (place.offset - range.offset));
    *slot_offset = range.slot_offset + range.bytes;
  }
  return begins;
}

bool DirectBuffer::Allocate(uint64_t bytes) {
  if (bytes > std::numeric_limits<size_t>::max() - base::kDirectAlignment) return false;
  memory_ = base::AlignedBuffer<uint8_t>::Unzeroed(static_cast<size_t>(bytes) + base::kDirectAlignment);
  if (!memory_.ok()) return false;
  const size_t beyond = reinterpret_cast<uintptr_t>(memory_.data()) % base::kDirectAlignment;
  first_ = memory_.data() + (beyond == 0 ? 0 : base::kDirectAlignment - beyond);
  size_ = bytes;
  return true;
}

}  // namespace zell::stream
