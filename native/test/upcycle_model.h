// Makes a mixture of experts from a dense Llama model: every expert begins as a copy of the MLP.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace zell::test {

struct UpcycleSpec {
  uint64_t experts = 8;
  uint64_t used = 2;
  double noise = 0.0;   ///< of the experts' weights, as a part of their deviation in each row; 0: exact copies
  double router = 2.0;  ///< deviation of the routers' logits; 0: all experts weigh the same
  uint64_t seed = 1;    ///< of the routers and the noise
};

/// Writes a Mixtral-shaped file in the types of `in`. Routers are random, F32. With exact copies the mixture computes
/// what the dense model does, up to the rounding of weights that do not sum to 1 exactly.
/// @errors kInvalidRequest (no dense Llama model, a noise on a type that nothing here writes), those of files.
base::Status UpcycleModel(const std::string& in, const std::string& out, const UpcycleSpec& spec);

}  // namespace zell::test
