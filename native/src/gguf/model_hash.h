// The short name of a model's content, see docs/formats/model-hash.md. Private to the room.
#pragma once

#include <span>
#include <string>

#include "base/read_file.h"
#include "gguf/file.h"

namespace zell::gguf {

constexpr uint64_t kSampleBytes = 1024;  ///< at the start, the middle and the end of a tensor

/// 16 hex digits. `table_ends[i]`: where the tensor table of file i ends. @errors kIo.
base::Result<std::string> HashModel(std::span<const base::ReadFile> files, std::span<const uint64_t> table_ends,
                                    std::span<const TensorInfo> tensors);

}  // namespace zell::gguf
