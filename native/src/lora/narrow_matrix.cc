#include "lora/narrow_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/checked.h"

namespace zell::lora {
namespace {

// The largest value goes between 2^13 and 2^14: four times below what F16 can hold, and values down to 2^-28 of it keep
// all their digits.
constexpr int kLargestExponent = 14;

base::Status NoMemory(const gguf::TensorInfo& tensor) {
  return {base::StatusCode::kOutOfMemory, "no memory for tensor " + tensor.name + " of the adapter"};
}

}  // namespace

base::Result<NarrowMatrix> MakeNarrowMatrix(const gguf::TensorInfo& tensor, std::span<const uint8_t> data, bool half,
                                            bool transpose) {
  const quant::TypeInfo& info = quant::InfoOf(tensor.type);
  const size_t cols = static_cast<size_t>(tensor.dims[0]), rows = static_cast<size_t>(tensor.dims[1]);
  const size_t row_bytes = quant::RowBytes(info, cols), value_bytes = half ? 2 : 4;
  const std::optional<uint64_t> bytes = base::CheckedMul(tensor.n_weights, value_bytes);
  NarrowMatrix out;
  if (!bytes || *bytes > SIZE_MAX) return NoMemory(tensor);
  out.bytes = base::AlignedBuffer<uint8_t>(static_cast<size_t>(*bytes));
  if (!out.bytes.ok()) return NoMemory(tensor);
  out.row_bytes = (transpose ? rows : cols) * value_bytes;

  std::vector<float> row(cols);
  float largest = 0.0f;
  for (size_t r = 0; r < rows; ++r) {
    quant::Dequantize(tensor.type, data.data() + r * row_bytes, row.data(), cols);
    for (const float x : row) {
      if (!std::isfinite(x)) {
        return base::Status{base::StatusCode::kBadModelFile,
                            "tensor " + tensor.name + " of the adapter holds a value that is not finite"};
      }
      largest = std::max(largest, std::fabs(x));
    }
  }
  if (half && largest > 0.0f) {
    int exponent = 0;
    std::frexp(largest, &exponent);
    out.exponent = kLargestExponent - exponent;
  }
  for (size_t r = 0; r < rows; ++r) {
    quant::Dequantize(tensor.type, data.data() + r * row_bytes, row.data(), cols);
    for (size_t c = 0; c < cols; ++c) {
      uint8_t* to = out.bytes.data() + (transpose ? c * rows + r : r * cols + c) * value_bytes;
      if (half) {
        const uint16_t h = quant::F32ToF16(std::ldexp(row[c], out.exponent));
        std::memcpy(to, &h, sizeof h);
      } else {
        std::memcpy(to, &row[c], sizeof(float));
      }
    }
  }
  return out;
}

}  // namespace zell::lora
