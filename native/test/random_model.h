// Writes a small model with random weights: a real file of a real architecture, whose text means nothing.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "quant/blocks.h"

namespace zell::test {

struct RandomModelSpec {
  std::string arch = "llama";  ///< or `qwen2`, which adds biases to Q, K and V
  uint64_t layers = 2;
  uint64_t width = 64;
  uint64_t heads = 4;
  uint64_t kv_heads = 2;
  uint64_t ffn = 128;
  uint64_t context = 2048;
  bool tied = true;                                  ///< false: an output matrix of its own
  quant::TensorType type = quant::TensorType::kF32;  ///< of the matrices; vectors are F32
  std::string vocab_from;                            ///< GGUF file whose tokenizer metadata is copied
  uint64_t seed = 1;
};

/// The same spec gives the same bytes everywhere. @errors kInvalidRequest, and those of reading and writing files.
base::Status WriteRandomModel(const std::string& path, const RandomModelSpec& spec);

}  // namespace zell::test
