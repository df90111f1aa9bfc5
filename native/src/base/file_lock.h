// An exclusive lock on a file, held by at most one process: the single host, the single writer of the log.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace zell::base {

/// Released by the destructor and by the end of the process, however it ends; never inherited by children. The file
/// itself stays. Two locks of one process on the same path exclude each other too.
class FileLock {
 public:
  /// Creates the file (0600) if it is missing and tries to lock it, without waiting. `path` is UTF-8.
  /// @errors kAlreadyRunning: somebody else holds it; kIo.
  static Result<FileLock> Try(const std::string& path);
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&& other) noexcept;
  ~FileLock();

 private:
  explicit FileLock(intptr_t handle) : handle_(handle) {}
  intptr_t handle_ = -1;
};

}  // namespace zell::base
