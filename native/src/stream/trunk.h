// Everything of a model that does not come from the disk while it runs, in memory of this process.
#pragma once

#include <atomic>
#include <functional>
#include <set>

#include "backend/plan.h"
#include "base/status.h"
#include "gguf/file.h"
#include "stream/range.h"
#include "stream/reader.h"

namespace zell::stream {

/// The weights of ops that find experts by a routing.
std::set<backend::WeightId> RoutedWeights(const backend::Plan& plan);

/// Reads all tensors but those of the weights `elsewhere`, and makes the plan's other weights point to the copy, which
/// must outlive it. Kept in the file's cache, they would be dropped whenever memory is short, and read again for every
/// token. `progress`: in bytes.
/// @errors kOutOfMemory; kCancelled; as PieceReader::Read.
base::Result<DirectBuffer> ReadTrunk(backend::Plan& plan, const gguf::File& file, PieceReader& reader,
                                     const std::set<backend::WeightId>& elsewhere,
                                     const std::function<void(uint64_t done, uint64_t total)>& progress,
                                     const std::atomic<bool>& stop);

}  // namespace zell::stream
