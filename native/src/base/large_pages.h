// Memory pages larger than the usual 4 KiB or 16 KiB: memory in them is read faster.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "base/status.h"

namespace zell::base {

constexpr size_t kHugePage = size_t{2} << 20;

/// Whether this process gets large pages for memory that it asks them for, and can put them in place of a mapping.
bool LargePagesAvailable();

/// Asks for `bytes` bytes of address space whose start is a multiple of kHugePage, nothing behind it; nullptr when the
/// system cannot. Given back with the mapping that is put there.
void* ReserveAligned(size_t bytes);

/// Gives whole pages among these `bytes` bytes of this process's own memory back to the system; what was in them is
/// lost, and they come back when they are written. Does nothing where the system cannot.
void ReleasePages(void* data, size_t bytes);

/// Of `size` bytes from `data` on; 0 when they do not start at the border of one.
inline uint64_t LargePagesIn(const void* data, size_t size) {
  return reinterpret_cast<uintptr_t>(data) % kHugePage == 0 ? size / kHugePage : 0;
}

/// Puts `count` large pages of own, read-only memory at `at` (a multiple of kHugePage), instead of what is mapped
/// there. `fill` writes them before, so that other threads may read there all the time.
/// @errors kUnsupported; kOutOfMemory; what `fill` returns. *replaced: it failed, and what was mapped may be gone.
Status ReplaceByLargePages(void* at, size_t count, const std::function<Status(std::span<uint8_t>)>& fill,
                           bool* replaced);

}  // namespace zell::base
