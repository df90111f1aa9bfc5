// Reads pieces of experts; tests put readers that fail or lie in the place of files.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/direct_file.h"
#include "gguf/file.h"

namespace zell::stream {

/// Any thread, several at once.
class PieceReader {
 public:
  virtual ~PieceReader() = default;
  /// As base::DirectFile::ReadAt, of file `shard`.
  virtual base::Status Read(uint32_t shard, uint64_t offset, std::span<uint8_t> out) = 0;
};

/// What one read takes of the disk at once: large enough for full speed, small enough that readers share an expert.
constexpr uint64_t kPieceBytes = 2 * 1024 * 1024;

/// Reads past the system's cache, from the files that `file` has open; or through it where that is faster.
class FileReader final : public PieceReader {
 public:
  /// @errors as base::DirectFile::Open.
  static base::Result<std::unique_ptr<PieceReader>> Open(const gguf::File& file, bool past_cache = true) {
    auto reader = std::make_unique<FileReader>();
    for (uint32_t shard = 0; shard < file.paths().size(); ++shard) {
      base::Result<base::DirectFile> opened = file.OpenDirect(shard, past_cache);
      if (!opened.ok()) return opened.status();
      reader->files_.push_back(std::move(*opened));
    }
    return std::unique_ptr<PieceReader>(std::move(reader));
  }
  base::Status Read(uint32_t shard, uint64_t offset, std::span<uint8_t> out) override {
    return files_[shard].ReadAt(offset, out);
  }

 private:
  std::vector<base::DirectFile> files_;
};

}  // namespace zell::stream
