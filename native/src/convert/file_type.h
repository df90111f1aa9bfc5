// The value of `general.file_type` for a model whose matrices mostly have one type.
#pragma once

#include <cstdint>

#include "quant/blocks.h"

namespace zell::convert {

/// The K formats count as their medium mixtures.
inline uint32_t FileTypeOf(quant::TensorType type) {
  switch (type) {
    case quant::TensorType::kF32:
      return 0;
    case quant::TensorType::kF16:
      return 1;
    case quant::TensorType::kQ4_0:
      return 2;
    case quant::TensorType::kQ4_1:
      return 3;
    case quant::TensorType::kQ8_0:
      return 7;
    case quant::TensorType::kQ5_0:
      return 8;
    case quant::TensorType::kQ5_1:
      return 9;
    case quant::TensorType::kQ2_K:
      return 10;
    case quant::TensorType::kQ3_K:
      return 12;
    case quant::TensorType::kQ4_K:
      return 15;
    case quant::TensorType::kQ5_K:
      return 17;
    case quant::TensorType::kQ6_K:
      return 18;
    case quant::TensorType::kBF16:
      return 32;
    case quant::TensorType::kIQ2_XXS:
      return 19;
    case quant::TensorType::kIQ2_XS:
      return 20;
    case quant::TensorType::kIQ3_XXS:
      return 23;
    case quant::TensorType::kIQ1_S:
      return 24;
    case quant::TensorType::kIQ4_NL:
      return 25;
    case quant::TensorType::kIQ3_S:
      return 26;
    case quant::TensorType::kIQ2_S:
      return 28;
    case quant::TensorType::kIQ4_XS:
      return 30;
    case quant::TensorType::kIQ1_M:
      return 31;
    case quant::TensorType::kTQ1_0:
      return 36;
    case quant::TensorType::kTQ2_0:
      return 37;
    case quant::TensorType::kMXFP4:
      return 38;
    case quant::TensorType::kNVFP4:
      return 39;
    case quant::TensorType::kQ1_0:
      return 40;
    case quant::TensorType::kQ2_0:
      return 41;
    default:
      return 0;  // no number of its own
  }
}

}  // namespace zell::convert
