// How much memory and how many cores this process may use, containers counted.
#pragma once

#include <cstdint>

namespace zell::base {

struct MemoryInfo {
  uint64_t total_bytes;      ///< of the machine, or the lowest limit of the process's control groups
  uint64_t available_bytes;  ///< what can be taken without swapping: free memory and droppable cache, within the limits
};

/// Asks the system each time (some tens of µs). Zeros when it does not say.
MemoryInfo GetMemoryInfo();

/// Counters of what happens when memory is short, of the process's control group or else of the machine.
struct MemoryPressure {
  uint64_t stalled_us = 0;    ///< for which some thread waited for memory
  uint64_t limit_events = 0;  ///< times that a group of the process came to a limit
};

/// Asks the system each time. Zeros where it does not count.
MemoryPressure GetMemoryPressure();

/// Bytes of the largest cache that the processor says it has; 0 when the system does not say. Virtual machines often
/// name a cache that they share with others.
uint64_t LastLevelCacheBytes();

/// Physical cores that this process may run on (its affinity mask and CPU quota counted), at least 1.
int PhysicalCores();

}  // namespace zell::base
