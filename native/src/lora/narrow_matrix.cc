#include "lora/narrow_matrix.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace zell::lora {
namespace {

using kernels::kLowRankRows;
using kernels::LowRankType;

// The largest value goes between 2^13 and 2^14: four times below what F16 can hold, and values down to 2^-28 of it keep
// all their digits; so do the scales of rows and blocks in 8 bits, down to 2^-21.
constexpr int kLargestExponent = 14;

float Largest(std::span<const float> row) {
  float largest = 0.0f;
  for (const float x : row) largest = std::max(largest, std::fabs(x));
  return largest;
}

/// One row of a panel, whose numbers stand kLowRankRows apart.
void WritePanelRow(LowRankType type, std::span<const float> row, uint8_t* panel, size_t in_panel) {
  uint8_t* values = panel + kernels::LowRankScaleBytes(type);
  if (type == LowRankType::kF32) {
    for (size_t j = 0; j < row.size(); ++j) std::memcpy(values + (j * kLowRankRows + in_panel) * 4, &row[j], 4);
  } else if (type == LowRankType::kF16) {
    for (size_t j = 0; j < row.size(); ++j) {
      const uint16_t h = quant::F32ToF16(row[j]);
      std::memcpy(values + (j * kLowRankRows + in_panel) * sizeof h, &h, sizeof h);
    }
  } else {
    const uint16_t scale = quant::F32ToF16(Largest(row) / 127.0f);
    std::memcpy(panel + in_panel * sizeof scale, &scale, sizeof scale);
    const float step = quant::F16ToF32(scale);
    if (step == 0.0f) return;
    for (size_t j = 0; j < row.size(); ++j) {
      const float q = std::clamp(std::nearbyint(row[j] / step), -127.0f, 127.0f);
      values[j * kLowRankRows + in_panel] = static_cast<uint8_t>(static_cast<int8_t>(q));
    }
  }
}

}  // namespace

base::Result<NarrowMatrix> NarrowMatrix::Open(const gguf::TensorInfo& tensor, std::span<const uint8_t> data,
                                              LowRankType type) {
  NarrowMatrix out(tensor, data, type);
  std::vector<float> row(out.cols());
  float largest = 0.0f;
  for (size_t r = 0; r < out.rows(); ++r) {
    out.ReadRow(r, row);
    if (!std::all_of(row.begin(), row.end(), [](float x) { return std::isfinite(x); })) {
      return base::Status{base::StatusCode::kBadModelFile,
                          "tensor " + tensor.name + " of the adapter holds a value that is not finite"};
    }
    largest = std::max(largest, Largest(row));
  }
  if (type != LowRankType::kF32 && largest > 0.0f) {
    int exponent = 0;
    std::frexp(largest, &exponent);
    out.exponent_ = kLargestExponent - exponent;
  }
  return out;
}

quant::TensorType NarrowMatrix::RowType(LowRankType type) {
  return type == LowRankType::kF32   ? quant::TensorType::kF32
         : type == LowRankType::kF16 ? quant::TensorType::kF16
                                     : quant::TensorType::kQ8_0;
}

size_t NarrowMatrix::RowBytes() const { return quant::RowBytes(quant::InfoOf(RowType(type_)), cols()); }

void NarrowMatrix::ReadRow(size_t row, std::span<float> out) const {
  const size_t row_bytes = quant::RowBytes(quant::InfoOf(tensor_->type), cols());
  quant::Dequantize(tensor_->type, data_.data() + row * row_bytes, out.data(), out.size());
  if (exponent_ == 0) return;
  for (float& x : out) x = std::ldexp(x, exponent_);
}

void NarrowMatrix::WriteRows(uint8_t* out) const {
  std::vector<float> row(cols());
  for (size_t r = 0; r < rows(); ++r, out += RowBytes()) {
    ReadRow(r, row);
    quant::Quantize(RowType(type_), row.data(), out, row.size());
  }
}

size_t NarrowMatrix::PanelBytes(size_t rows) const {
  return (rows + kLowRankRows - 1) / kLowRankRows * kernels::LowRankPanelBytes(type_, cols());
}

void NarrowMatrix::WritePanels(size_t first, size_t rows, uint8_t* out) const {
  std::memset(out, 0, PanelBytes(rows));
  std::vector<float> row(cols());
  for (size_t r = 0; r < rows; ++r) {
    ReadRow(first + r, row);
    uint8_t* panel = out + r / kLowRankRows * kernels::LowRankPanelBytes(type_, cols());
    WritePanelRow(type_, row, panel, r % kLowRankRows);
  }
}

}  // namespace zell::lora
