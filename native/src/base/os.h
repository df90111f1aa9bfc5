// The few calls behind base's portable files that each operating system spells differently. Private to the room.
#pragma once

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

#include "base/read_file.h"
#include "base/status.h"

namespace zell::base {

/// Opens for reads past the cache. *direct: whether the system takes them here.
Result<ReadFile> OpenDirect(const std::string& path, bool* direct);
/// Reads at least `wanted` bytes of `out`, all aligned as DirectFile asks for. *direct becomes false when the file
/// system refuses such a read after all: it then goes through the cache, which is told to forget it.
Status ReadDirect(const ReadFile& file, uint64_t offset, std::span<uint8_t> out, size_t wanted, bool* direct);

/// A new file for writing (0600, not inherited by children); nullptr and errno when it exists or cannot be made.
std::FILE* CreateNew(const std::string& path);
/// Whether everything written has reached the disk.
bool SyncToDisk(std::FILE* file);
/// Renames, replacing the target in one step; makes the new name durable where the system can.
bool MoveOver(const std::string& from, const std::string& to);
void RemoveFile(const std::string& path);
uint64_t ProcessId();

}  // namespace zell::base
