// One half of a low-rank addition in the form that kernels read. Private to the room.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"
#include "gguf/file.h"
#include "kernels/low_rank.h"

namespace zell::lora {

/// A tensor of at most two dimensions of an adapter's file. Its numbers are written times 2^exponent, so that small
/// ones keep their digits in few bits. The file must live as long.
class NarrowMatrix {
 public:
  /// @errors kBadModelFile: a value is not finite.
  static base::Result<NarrowMatrix> Open(const gguf::TensorInfo& tensor, std::span<const uint8_t> data,
                                         kernels::LowRankType type);

  int exponent() const { return exponent_; }  ///< 0 for kF32
  size_t rows() const { return static_cast<size_t>(tensor_->dims[1]); }

  /// The type that kernels multiply A as, row by row: F32, F16 or Q8_0 (whole blocks only).
  static quant::TensorType RowType(kernels::LowRankType type);
  /// Of one row as WriteRows writes it.
  size_t RowBytes() const;
  /// dims[1] rows of dims[0] numbers.
  void WriteRows(uint8_t* out) const;

  size_t PanelBytes(size_t rows) const;  ///< for so many rows
  /// Rows [first, first + rows) as LowRankArgs::b wants them; dims[0] is the rank.
  void WritePanels(size_t first, size_t rows, uint8_t* out) const;

 private:
  NarrowMatrix(const gguf::TensorInfo& tensor, std::span<const uint8_t> data, kernels::LowRankType type)
      : tensor_(&tensor), data_(data), type_(type) {}
  size_t cols() const { return static_cast<size_t>(tensor_->dims[0]); }
  void ReadRow(size_t row, std::span<float> out) const;

  const gguf::TensorInfo* tensor_;
  std::span<const uint8_t> data_;
  kernels::LowRankType type_;
  int exponent_ = 0;
};

}  // namespace zell::lora
