// Writes a file that appears under its name only when it is complete.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"

namespace zell::base {

/// Writes to `PATH.PROCESS-NUMBER.part` beside the target (0600), which Commit flushes to the disk and renames; an
/// older file of that name is replaced in one step. Without Commit nothing remains. Not thread-safe.
class AtomicFile {
 public:
  /// `path` is UTF-8. @errors kIo, kNotFound (no such folder).
  static Result<AtomicFile> Create(const std::string& path);
  AtomicFile(AtomicFile&&) noexcept = default;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();

  /// @errors kIo, a full disk included.
  Status Write(std::span<const uint8_t> bytes);
  uint64_t bytes_written() const { return bytes_written_; }
  Status Commit();

 private:
  struct Closer {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  AtomicFile(std::string path, std::string part_path, std::FILE* file)
      : path_(std::move(path)), part_path_(std::move(part_path)), file_(file) {}

  std::string path_;
  std::string part_path_;
  std::unique_ptr<std::FILE, Closer> file_;
  uint64_t bytes_written_ = 0;
};

}  // namespace zell::base
