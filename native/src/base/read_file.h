// An open file for reading at offsets; the same handle can be mapped, so both see the same file.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/byte_source.h"
#include "base/status.h"

namespace zell::base {

class ReadFile;
Result<ReadFile> OpenDirect(const std::string& path, bool* direct);

/// Immutable after Open (the size is the one at that time); ReadAt may be called from any thread. Not inherited by
/// child processes.
class ReadFile final : public ByteSource {
 public:
  /// `path` is UTF-8. @errors kNotFound, kIo (a folder, or no permission).
  static Result<ReadFile> Open(const std::string& path);
  ReadFile(ReadFile&& other) noexcept;
  ReadFile& operator=(ReadFile&& other) noexcept;
  ~ReadFile() override;

  uint64_t size() const override { return size_; }
  Status ReadAt(uint64_t offset, std::span<uint8_t> out) const override;
  /// Tells the system whether reads will be scattered, so that reading ahead is wasted. Affects every user of the
  /// handle.
  void AdviseScattered(bool scattered) const;
  /// The OS handle: a descriptor, on Windows a HANDLE. Owned by this object.
  intptr_t handle() const { return handle_; }

 private:
  friend Result<ReadFile> OpenDirect(const std::string& path, bool* direct);
  ReadFile(intptr_t handle, uint64_t size) : handle_(handle), size_(size) {}
  intptr_t handle_ = -1;
  uint64_t size_ = 0;
};

}  // namespace zell::base
