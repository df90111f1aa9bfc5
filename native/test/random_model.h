// Writes small models with random weights: real files of real architectures, whose text means nothing. What each
// consists of is said in models/, one file per architecture.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"
#include "model_maker.h"
#include "quant/blocks.h"

namespace zell::test {

struct RandomModelSpec {
  std::string model = "llama";                       ///< a name of RandomModels()
  ModelShape shape;                                  ///< 0: the model's own
  quant::TensorType type = quant::TensorType::kF32;  ///< of the matrices; vectors are F32
  std::string vocab_from;                            ///< GGUF whose tokenizer metadata is copied; empty: a tiny one
  uint64_t seed = 1;
};

/// The same spec gives the same bytes everywhere; another type gives the same weights, rounded.
/// @errors kInvalidRequest, and those of reading and writing files.
base::Status WriteRandomModel(const std::string& path, const RandomModelSpec& spec);

}  // namespace zell::test
