// The reference row of the table: plain C++, and the definition of every bit that the other ISAs must give.
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/scalar_blocks.h"
#include "kernels/tables.h"
#include "kernels/target.h"

#define ZELL_TARGET

namespace zell::kernels {
namespace {

#include "kernels/lanes_scalar.inc"
//
#include "kernels/vector_ops.inc"
//
#include "kernels/float_matmul.inc"
//
#include "kernels/attend.inc"
//
#include "kernels/attend_int.inc"
//
#include "kernels/low_rank.inc"

int32_t IntegerDot(const uint8_t* u, int offset, const int8_t* x, int n) {
  int32_t sum = 0;
  for (int i = 0; i < n; ++i) sum += (u[i] - offset) * x[i];
  return sum;
}

/// y + one block: for each group the scales multiply first, then one fused multiply-add for the products and one for
/// the min.
float AddSmallBlock(const BlockShape& shape, const UnpackedBlock& w, const Q8Record* x, float y) {
  for (int g = 0; g < shape.weights / shape.group; ++g) {
    const int first = g * shape.group;
    const Q8Record& r = x[first / 32];
    const int32_t dot = IntegerDot(w.u + first, shape.offset, r.q + first % 32, shape.group);
    y = std::fma(w.scale[g] * r.scale, static_cast<float>(dot), y);
    if (shape.has_min) y = std::fma(w.min[g], r.scaled_sum, y);
  }
  return y;
}

/// y + one super-block: two integer sums over all of it, each of which meets its scale once.
float AddSuperBlock(const BlockShape& shape, const UnpackedBlock& w, const Q8KRecord& x, float y) {
  int32_t products = 0, mins = 0;
  for (int g = 0; g < shape.weights / shape.group; ++g) {
    const int first = g * shape.group;
    products += w.steps[g] * IntegerDot(w.u + first, shape.offset, x.q + first, shape.group);
    for (int i = 0; shape.has_min && i < shape.group; ++i) mins -= w.min_steps[g] * x.q[first + i];
  }
  y = std::fma(w.d * x.scale, static_cast<float>(products), y);
  return shape.has_min ? std::fma(w.m * x.scale, static_cast<float>(mins), y) : y;
}

void QuantisedMatmul(quant::TensorType type, const MatmulArgs& a) {
  const quant::TypeInfo& info = quant::InfoOf(type);
  const BlockShape shape = ShapeOf(type);
  const size_t records = info.block_weights / 32;  // of a small block
  UnpackedBlock w;
  for (size_t r = 0; r < a.rows; ++r) {
    for (size_t c = 0; c < a.cols; ++c) a.y[c * a.y_stride + r] = 0;
    for (size_t b = 0; b < a.k / info.block_weights; ++b) {
      UnpackBlock(type, a.w + r * a.w_stride + b * info.block_bytes, w);
      for (size_t c = 0; c < a.cols; ++c) {
        const uint8_t* column = a.x + c * a.x_stride;
        float& y = a.y[c * a.y_stride + r];
        y = shape.weights == 256 ? AddSuperBlock(shape, w, reinterpret_cast<const Q8KRecord*>(column)[b], y)
                                 : AddSmallBlock(shape, w, reinterpret_cast<const Q8Record*>(column) + b * records, y);
      }
    }
  }
}

void Matmul(quant::TensorType type, const MatmulArgs& args) {
  switch (type) {
    case quant::TensorType::kF32:
      return FloatMatmul<WeightF32>(args);
    case quant::TensorType::kF16:
      return FloatMatmul<WeightF16>(args);
    case quant::TensorType::kBF16:
      return FloatMatmul<WeightBF16>(args);
    default:
      return QuantisedMatmul(type, args);
  }
}

size_t RowGranule(quant::TensorType, size_t) { return 1; }

#include "kernels/table.inc"

constexpr Kernels kTable = MakeTable(Isa::kScalar, "scalar", Matmul);

}  // namespace

const Kernels& ScalarKernels() { return kTable; }

}  // namespace zell::kernels
