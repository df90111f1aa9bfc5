// The value of `general.file_type` for a model whose matrices mostly have one type.
#pragma once

#include <cstdint>

#include "quant/blocks.h"

namespace zell::test {

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
  }
  return 0;
}

}  // namespace zell::test
