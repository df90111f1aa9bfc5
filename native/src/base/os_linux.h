// The Linux figures read from below a given root, so that tests can show other machines. Private to the room.
#pragma once

#include <string>
#include <vector>

#include "base/memory_info.h"

namespace zell::base {

/// `root` is put in front of /proc and /sys paths; empty for this machine.
MemoryInfo LinuxMemoryInfo(const std::string& root);
MemoryPressure LinuxMemoryPressure(const std::string& root);
uint64_t LinuxLastLevelCacheBytes(const std::string& root);
/// `cpus`: the logical ones that the process may run on.
int LinuxPhysicalCores(const std::string& root, const std::vector<int>& cpus);

}  // namespace zell::base
