// How fast a model's file can be read here, the ways in which a cache of experts would read it.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/status.h"
#include "gguf/file.h"

namespace zell::stream {

struct DiskRate {
  bool past_cache = false;  ///< asked to go past the system's cache
  int readers = 0;          ///< threads that read at once
  double bytes_per_second = 0;
};

struct DiskSpeed {
  bool takes_direct = false;          ///< whether the file system lets reads go past its cache
  uint64_t piece_bytes = 0;           ///< of one read
  double sequential_per_second = 0;   ///< bytes, past the cache, piece after piece
  std::vector<DiskRate> random = {};  ///< pieces at random places
};

/// Reads pieces of the file for about `seconds` at most, on up to 8 threads. `piece_bytes`: of the smallest thing that
/// is read by itself; more than kPieceBytes is read in pieces of that. `progress`: measurements that are done.
/// @errors as FileReader::Open and base::DirectFile::ReadAt; kCancelled; kOutOfMemory.
base::Result<DiskSpeed> MeasureDisk(const gguf::File& file, uint64_t piece_bytes, double seconds,
                                    const std::function<void(uint64_t done, uint64_t total)>& progress,
                                    const std::atomic<bool>& stop);

}  // namespace zell::stream
