#include "base/atomic_file.h"

#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/os.h"

namespace zell::base {
namespace {

Status Failure(const std::string& path) {
  const StatusCode code = errno == ENOENT ? StatusCode::kNotFound : StatusCode::kIo;
  return {code, path + ": " + std::strerror(errno) + "."};
}

}  // namespace

Result<AtomicFile> AtomicFile::Create(const std::string& path) {
  static std::atomic<uint32_t> counter{0};
  std::string part = path + "." + std::to_string(ProcessId()) + "-" + std::to_string(counter++) + ".part";
  std::FILE* file = CreateNew(part);
  if (file == nullptr && errno == EEXIST) {  // left by a process that died and had our number
    RemoveFile(part);
    file = CreateNew(part);
  }
  if (file == nullptr) return Failure(part);
  return AtomicFile(path, std::move(part), file);
}

AtomicFile::~AtomicFile() {
  if (file_ == nullptr) return;
  file_.reset();
  RemoveFile(part_path_);
}

Status AtomicFile::Write(std::span<const uint8_t> bytes) {
  if (!bytes.empty() && std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size()) {
    return Failure(part_path_);
  }
  bytes_written_ += bytes.size();
  return Status::Ok();
}

Status AtomicFile::Commit() {
  if (std::fflush(file_.get()) != 0 || !SyncToDisk(file_.get())) return Failure(part_path_);
  if (std::fclose(file_.release()) != 0 || !MoveOver(part_path_, path_)) {
    const Status failure = Failure(path_);
    RemoveFile(part_path_);
    return failure;
  }
  return Status::Ok();
}

}  // namespace zell::base
