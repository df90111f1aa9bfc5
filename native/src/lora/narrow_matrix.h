// One half of a low-rank addition in the form that kernels read. Private to the room.
#pragma once

#include <cstdint>
#include <span>

#include "base/aligned_buffer.h"
#include "base/status.h"
#include "gguf/file.h"

namespace zell::lora {

/// The tensor's values times 2^exponent.
struct NarrowMatrix {
  base::AlignedBuffer<uint8_t> bytes;
  size_t row_bytes = 0;
  int exponent = 0;  ///< 0 for F32
};

/// Reads a tensor of at most two dimensions as F16 (`half`) or F32; transposed it has dims[0] rows of dims[1].
/// @errors kBadModelFile: a value is not finite; kOutOfMemory.
base::Result<NarrowMatrix> MakeNarrowMatrix(const gguf::TensorInfo& tensor, std::span<const uint8_t> data, bool half,
                                            bool transpose);

}  // namespace zell::lora
