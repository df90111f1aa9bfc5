// Mixes of types as they are published.
#pragma once

#include <cstdint>
#include <string_view>

#include "quant/blocks.h"

namespace zell::test {

/// The type of a matrix in a mix, `Q4_K_M` for one: the output matrix, and in about half of the layers attn_v and
/// ffn_down, get a better type than the rest. `output` names the tensor that is the output matrix.
quant::TensorType TypeInMix(quant::TensorType base, quant::TensorType better, std::string_view tensor,
                            std::string_view output, uint64_t layers);

}  // namespace zell::test
