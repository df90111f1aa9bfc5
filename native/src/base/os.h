// The few calls behind base's portable files that each operating system spells differently. Private to the room.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>

namespace zell::base {

/// A new file for writing (0600, not inherited by children); nullptr and errno when it exists or cannot be made.
std::FILE* CreateNew(const std::string& path);
/// Whether everything written has reached the disk.
bool SyncToDisk(std::FILE* file);
/// Renames, replacing the target in one step; makes the new name durable where the system can.
bool MoveOver(const std::string& from, const std::string& to);
void RemoveFile(const std::string& path);
uint64_t ProcessId();

}  // namespace zell::base
