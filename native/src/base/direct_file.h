// A file whose reads go past the system's cache: for data that is kept in a cache of our own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/read_file.h"
#include "base/status.h"

namespace zell::base {

/// Offsets, lengths and addresses of direct reads are multiples of this: the largest sector and page that disks have.
constexpr size_t kDirectAlignment = 4096;

/// Tells one state of a file from another.
struct FileState {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  uint64_t modified = 0;  ///< in the system's own unit
  bool operator==(const FileState&) const = default;
};

/// Of an open file. @errors kIo.
Result<FileState> StateOf(const ReadFile& file);

/// Every method may be called from any thread. Not inherited by child processes.
class DirectFile {
 public:
  /// Opens the file at `path` if it is still the one that `same` reads. Where the file system takes no direct reads,
  /// or `past_cache` is false, they go through its cache, and what they leave there is given back.
  /// @errors kNotFound, kIo: also when it is another file by now.
  static Result<DirectFile> Open(const std::string& path, const ReadFile& same, bool past_cache = true);
  DirectFile(DirectFile&& other) noexcept;
  DirectFile& operator=(DirectFile&& other) noexcept;
  ~DirectFile();

  uint64_t size() const;
  /// Whether reads go past the cache; may become false with the first one.
  bool direct() const;
  /// Fills `out` from `offset` on; only behind the end of the file it stays as it is. Offset, address and length are
  /// multiples of kDirectAlignment.
  /// @errors kIo: the file ends before it should, it was changed since Open, or the read failed.
  Status ReadAt(uint64_t offset, std::span<uint8_t> out) const;

 private:
  struct Impl;
  explicit DirectFile(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace zell::base
