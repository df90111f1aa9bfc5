// How much of a model one token of decoding touches: what speeds are compared with the machine's limits by.
#pragma once

#include <cstdint>

#include "gguf/file.h"

namespace zell::runtime {

struct TokenWork {
  uint64_t bytes = 0;    ///< of weights that are read
  uint64_t weights = 0;  ///< that are multiplied, each once
};

/// From the tensor table alone, so that it holds for every architecture: matrices count whole, tables that one row is
/// looked up in do not, and of the experts those that a token uses on average. KV cache and activations are left out.
TokenWork WorkOfToken(const gguf::File& file);

}  // namespace zell::runtime
