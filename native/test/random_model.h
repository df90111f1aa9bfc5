// Writes small models with random weights: real files of real architectures, whose text means nothing. What each
// consists of is said in models/, one file per architecture.
#pragma once

#include <cstdint>
#include <optional>
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
  /// Given: `type` is mixed with this better one as TypeInMix says, Q4_K with Q6_K being Q4_K_M.
  std::optional<quant::TensorType> better_type;
  /// Of a matrix, only so many rows are random and the rest repeat them: for files of gigabytes. 0: all.
  uint64_t distinct_rows = 0;
  uint64_t seed = 1;
};

/// The same spec gives the same bytes everywhere; another type gives the same weights, rounded.
/// @errors kInvalidRequest, and those of reading and writing files.
base::Status WriteRandomModel(const std::string& path, const RandomModelSpec& spec);

}  // namespace zell::test
