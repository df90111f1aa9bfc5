// Reads GGUF v2 and v3 files, split ones too. The file is hostile: every length is checked before it is used.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/direct_file.h"
#include "base/status.h"
#include "base/string_list.h"
#include "quant/blocks.h"

namespace zell::gguf {

/// A key's value. Integers of every width widen to 64 bits, f32 to double; arrays hold one element type.
using Value = std::variant<uint64_t, int64_t, double, bool, std::string, std::vector<uint64_t>, std::vector<int64_t>,
                           std::vector<double>, std::vector<bool>, base::StringList>;

struct TensorInfo {
  std::string name;
  quant::TensorType type;
  uint32_t n_dims;
  uint64_t dims[4];      ///< dims[0] is the row length; unused ones are 1
  uint64_t n_weights;    ///< product of dims, > 0
  uint64_t bytes;        ///< of the data
  uint32_t shard;        ///< which file
  uint64_t file_offset;  ///< from the start of that file; file_offset + bytes ≤ its size
};

struct OpenOptions {
  bool map_data = true;  ///< false: headers only, data() may not be called
};

/// Immutable after Open; every method may be called from any thread.
class File {
 public:
  /// `path` may be any file of a split set (`-00001-of-000NN`); the first one's metadata counts.
  /// @errors kNotFound, kIo, kBadModelFile (says which field and where), kUnsupportedModel (tensor type or version).
  static base::Result<std::shared_ptr<const File>> Open(const std::string& path, const OpenOptions& options = {});
  ~File();

  const Value* Find(std::string_view key) const;
  /// Typed look-ups: nullopt when absent or of another kind. Numbers convert when they fit exactly.
  std::optional<uint64_t> U64(std::string_view key) const;
  std::optional<int64_t> I64(std::string_view key) const;
  std::optional<double> F64(std::string_view key) const;
  std::optional<bool> Bool(std::string_view key) const;
  std::optional<std::string_view> Str(std::string_view key) const;
  const base::StringList* Strings(std::string_view key) const;
  /// A value's bytes as they lie in the file, its type in front: for copying it into another file.
  /// @errors kNotFound: no such key; kIo.
  base::Result<std::vector<uint8_t>> RawValue(std::string_view key) const;
  /// Keys in file order.
  std::span<const std::pair<std::string, Value>> metadata() const;

  std::span<const TensorInfo> tensors() const;
  const TensorInfo* FindTensor(std::string_view name) const;
  /// The mapped bytes of a tensor; valid while the File lives. Requires map_data.
  std::span<const uint8_t> data(const TensorInfo& tensor) const;

  /// Where in which file a byte of data() lies; nullopt for other addresses. Requires map_data.
  struct Place {
    uint32_t shard = 0;
    uint64_t offset = 0;
  };
  std::optional<Place> Locate(const uint8_t* address) const;
  /// A file of the set for reads that go past the system's cache, unless told otherwise. @errors as
  /// base::DirectFile::Open.
  base::Result<base::DirectFile> OpenDirect(uint32_t shard, bool past_cache = true) const;

  /// Copies the tensors' bytes to memory of this process in large pages, which is read faster than a mapping, and gives
  /// the mapped pages back. Other threads may read data() meanwhile and find the same bytes. `may_go_on` is asked
  /// before every 16 MiB; false ends it. What is copied stays so.
  /// @errors kUnsupported: this system has no large pages; kOutOfMemory; kIo. The rest stays mapped. Requires map_data.
  base::Status MoveToMemory(std::span<const TensorInfo* const> tensors, const std::function<bool()>& may_go_on) const;
  /// Bytes that MoveToMemory has copied so far.
  uint64_t resident_bytes() const;

  std::span<const std::string> paths() const;
  uint64_t total_bytes() const;
  uint32_t version() const;
  /// First 16 hex digits of SHA-256 over the header and tensor table bytes (of every shard) and fixed samples of every
  /// tensor (see docs/formats/model-hash.md). Reads a few KiB per tensor.
  base::Result<std::string> ModelHash() const;

 private:
  struct Impl;
  explicit File(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace zell::gguf
