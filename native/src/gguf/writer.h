// Writes GGUF v3 files: LoRA adapters, test models, converted models.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/atomic_file.h"
#include "base/status.h"
#include "quant/blocks.h"

namespace zell::gguf {

/// A value with the width that it gets in the file: readers insist on it (most counts are u32, ids i32 or u32).
using FileValue = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool, std::string,
                               uint64_t, int64_t, double, std::vector<uint8_t>, std::vector<uint32_t>,
                               std::vector<int32_t>, std::vector<float>, std::vector<std::string>>;

/// Metadata and tensor table of a file to be. Not thread-safe.
class HeaderBuilder {
 public:
  /// A second Set of a key replaces the first, in its place. `general.alignment` is fixed at 32 and not to be set.
  void Set(std::string_view key, const FileValue& value);
  /// `bytes`: type and value, as File::RawValue gives them.
  void SetRaw(std::string_view key, std::vector<uint8_t> bytes);
  /// Tensors lie in the file in the order of these calls. dims: 1 to 4, the row length first.
  /// @errors kInvalidRequest: what a reader would refuse (dimensions, partial blocks, an empty, long or used name).
  base::Status AddTensor(std::string_view name, quant::TensorType type, std::span<const uint64_t> dims);

  /// The bytes in front of the data section, padded to where it starts.
  std::vector<uint8_t> Build() const;
  /// Of the data of the i-th tensor, padding not counted.
  uint64_t TensorBytes(size_t i) const { return tensors_[i].bytes; }
  size_t n_tensors() const { return tensors_.size(); }

 private:
  struct Entry {
    std::string key;
    std::vector<uint8_t> bytes;
  };
  struct Tensor {
    std::string name;
    quant::TensorType type;
    std::vector<uint64_t> dims;
    uint64_t bytes;
    uint64_t offset;  ///< into the data section
  };
  std::vector<Entry> entries_;
  std::vector<Tensor> tensors_;
  uint64_t data_bytes_ = 0;  ///< with padding
};

/// Streams the tensors' data to disk behind a header. The file appears under its name at Commit. Not thread-safe.
class FileWriter {
 public:
  /// @errors kIo, kNotFound (no such folder).
  static base::Result<FileWriter> Create(const std::string& path, const HeaderBuilder& header);
  /// The next bytes of the current tensor; when it is full, the next one begins.
  /// @errors kInvalidRequest: more than the tensor's rest, or no tensor is left; kIo.
  base::Status Append(std::span<const uint8_t> bytes);
  /// @errors kInvalidRequest: data is missing; kIo.
  base::Status Commit();

 private:
  FileWriter(base::AtomicFile file, std::vector<uint64_t> sizes) : file_(std::move(file)), sizes_(std::move(sizes)) {}

  base::AtomicFile file_;
  std::vector<uint64_t> sizes_;
  size_t current_ = 0;
  uint64_t done_ = 0;  ///< bytes of the current tensor
};

}  // namespace zell::gguf
