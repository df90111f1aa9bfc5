// How much of a model one token of decoding touches: what speeds are compared with the machine's limits by.
#pragma once

#include <cstdint>

#include "gguf/file.h"

namespace zell::runtime {

struct TokenWork {
  uint64_t bytes = 0;    ///< of weights that are read
  uint64_t weights = 0;  ///< that are multiplied, each once
};

/// Whether a step multiplies with all rows of the tensor (of some of its experts), instead of looking a few up.
bool IsMatrix(const gguf::File& file, const gguf::TensorInfo& tensor);

/// From the tensor table alone, so that it holds for every architecture: matrices count whole, tables that one row is
/// looked up in do not, and of the experts those that a token uses on average. KV cache and activations are left out.
/// Whether a step multiplies with all of the tensor's rows (of an expert's, if it holds experts), instead of looking
/// some up.
bool IsMatrix(const gguf::File& file, const gguf::TensorInfo& tensor);

TokenWork WorkOfToken(const gguf::File& file);

}  // namespace zell::runtime
