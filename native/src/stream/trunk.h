// Everything of a model but its streamed experts, in memory of this process.
#pragma once

#include <atomic>
#include <functional>

#include "backend/plan.h"
#include "base/aligned_buffer.h"
#include "base/status.h"
#include "gguf/file.h"
#include "stream/reader.h"

namespace zell::stream {

/// Reads all tensors but those that ops with a routing find experts in, and makes the plan's weights point to the copy,
/// which must outlive it. Kept in the file's cache, they would be dropped whenever memory is short, and read again for
/// every token. `progress`: in bytes.
/// @errors kOutOfMemory; kCancelled; as PieceReader::Read.
base::Result<base::AlignedBuffer<uint8_t>> ReadTrunk(backend::Plan& plan, const gguf::File& file, PieceReader& reader,
                                                     const std::function<void(uint64_t done, uint64_t total)>& progress,
                                                     const std::atomic<bool>& stop);

}  // namespace zell::stream
