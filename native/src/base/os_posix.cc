// What Linux and macOS share: opening, reading, mapping, locking and replacing files.
#if !defined(_WIN32)

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/direct_file.h"
#include "base/file_lock.h"
#include "base/large_pages.h"
#include "base/mapped_file.h"
#include "base/os.h"
#include "base/read_file.h"
#include "base/stream_pair.h"

namespace zell::base {
namespace {

Status Failure(const std::string& what, int error) {
  const StatusCode code = error == ENOENT || error == ENOTDIR ? StatusCode::kNotFound : StatusCode::kIo;
  return {code, what + ": " + std::strerror(error) + "."};
}

void CloseHandle(intptr_t handle) {
  if (handle >= 0) ::close(static_cast<int>(handle));
}

/// The size of an opened regular file; closes everything else.
Result<uint64_t> SizeOrClose(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    const Status failure = Failure(path, errno);
    ::close(fd);
    return failure;
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd);
    return Status{StatusCode::kIo, path + ": not a regular file."};
  }
  return static_cast<uint64_t>(info.st_size);
}

// O_NONBLOCK: a named pipe must not make us wait for its writer; it means nothing for regular files.
constexpr int kReadFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;

}  // namespace

Result<ReadFile> ReadFile::Open(const std::string& path) {
  const int fd = ::open(path.c_str(), kReadFlags);
  if (fd < 0) return Failure(path, errno);
  const Result<uint64_t> size = SizeOrClose(fd, path);
  if (!size.ok()) return size.status();
  return ReadFile(fd, *size);
}

ReadFile::ReadFile(ReadFile&& other) noexcept
    : handle_(std::exchange(other.handle_, -1)), size_(std::exchange(other.size_, 0)) {}

ReadFile& ReadFile::operator=(ReadFile&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(size_, other.size_);
  return *this;
}

ReadFile::~ReadFile() { CloseHandle(handle_); }

Status ReadFile::ReadAt(uint64_t offset, std::span<uint8_t> out) const {
  if (!FitsWithin(offset, out.size(), size_)) return {StatusCode::kIo, "Read past the end of the file."};
  while (!out.empty()) {
    // Linux reads at most 2 GiB - 4 KiB at once, macOS refuses more than 2 GiB - 1.
    const size_t chunk = std::min<size_t>(out.size(), size_t{1} << 30);
    const ssize_t n = ::pread(static_cast<int>(handle_), out.data(), chunk, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failure("Reading a file", errno);
    if (n == 0) return {StatusCode::kIo, "The file became shorter while it was read."};
    offset += static_cast<uint64_t>(n);
    out = out.subspan(static_cast<size_t>(n));
  }
  return Status::Ok();
}

void ReadFile::AdviseScattered(bool scattered) const {
#if defined(__linux__)
  (void)::posix_fadvise(static_cast<int>(handle_), 0, 0, scattered ? POSIX_FADV_RANDOM : POSIX_FADV_NORMAL);
#else
  (void)::fcntl(static_cast<int>(handle_), F_RDAHEAD, scattered ? 0 : 1);
#endif
}

Result<FileState> StateOf(const ReadFile& file) {
  struct stat info {};
  if (::fstat(static_cast<int>(file.handle()), &info) != 0) return Failure("Looking at a file", errno);
#if defined(__APPLE__)
  const struct timespec modified = info.st_mtimespec;
#else
  const struct timespec modified = info.st_mtim;
#endif
  return FileState{static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino),
                   static_cast<uint64_t>(info.st_size),
                   static_cast<uint64_t>(modified.tv_sec) * 1000000000u + static_cast<uint64_t>(modified.tv_nsec)};
}

Result<ReadFile> OpenDirect(const std::string& path, bool* direct) {
  *direct = true;
#if defined(__linux__)
  int fd = ::open(path.c_str(), kReadFlags | O_DIRECT);
  if (fd < 0 && errno == EINVAL) {
    fd = ::open(path.c_str(), kReadFlags);
    *direct = false;
  }
#else
  const int fd = ::open(path.c_str(), kReadFlags);
  if (fd >= 0) *direct = ::fcntl(fd, F_NOCACHE, 1) == 0;
#endif
  if (fd < 0) return Failure(path, errno);
  const Result<uint64_t> size = SizeOrClose(fd, path);
  if (!size.ok()) return size.status();
  return ReadFile(fd, *size);
}

Status ReadDirect(const ReadFile& file, uint64_t offset, std::span<uint8_t> out, size_t wanted, bool* direct) {
  const int fd = static_cast<int>(file.handle());
  for (size_t done = 0; done < wanted;) {
    // Multiples of every alignment; see ReadAt for the limit.
    const size_t chunk = std::min<size_t>(out.size() - done, size_t{1} << 30);
    const ssize_t n = ::pread(fd, out.data() + done, chunk, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
#if defined(__linux__)
    if (n < 0 && errno == EINVAL && *direct) {
      *direct = false;
      const int flags = ::fcntl(fd, F_GETFL);
      if (flags >= 0 && ::fcntl(fd, F_SETFL, flags & ~O_DIRECT) == 0) continue;
      errno = EINVAL;
    }
#endif
    if (n < 0) return Failure("Reading the model", errno);
    if (n == 0) return {StatusCode::kIo, "The file became shorter while it was read."};
    done += static_cast<size_t>(n);
  }
#if defined(__linux__)
  if (!*direct) (void)::posix_fadvise(fd, static_cast<off_t>(offset), static_cast<off_t>(wanted), POSIX_FADV_DONTNEED);
#endif
  return Status::Ok();
}

Result<MappedFile> MappedFile::Map(const ReadFile& file) {
  if (file.size() == 0) return MappedFile(nullptr, 0);
  const size_t size = static_cast<size_t>(file.size());
  void* place = ReserveAligned(size);
  void* data = ::mmap(place, size, PROT_READ, MAP_SHARED | (place == nullptr ? 0 : MAP_FIXED),
                      static_cast<int>(file.handle()), 0);
  if (data == MAP_FAILED && place != nullptr) ::munmap(place, size);
  if (data == MAP_FAILED) return Failure("Mapping a file", errno);
  return MappedFile(static_cast<const uint8_t*>(data), size);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<uint8_t*>(data_), size_);
}

void ReleasePages(void* data, size_t bytes) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t first = (begin + page - 1) / page * page, last = (begin + bytes) / page * page;
  if (first >= last) return;
#if defined(__linux__)
  (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
#else
  (void)::madvise(reinterpret_cast<void*>(first), last - first, MADV_FREE);
#endif
}

void MappedFile::Advise(uint64_t offset, uint64_t length, Advice advice) const {
  if (offset >= size_ || length == 0) return;
  const uint64_t end = offset + std::min<uint64_t>(length, size_ - offset);
  const uint64_t page = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  const uint64_t start = offset / page * page;
  const int native = advice == Advice::kWillNeed   ? MADV_WILLNEED
                     : advice == Advice::kDontNeed ? MADV_DONTNEED
                                                   : MADV_NORMAL;
  (void)::madvise(const_cast<uint8_t*>(data_) + start, end - start, native);
}

Status MappedFile::Replace(const ReadFile& file, uint64_t first, size_t count) const {
  if (!LargePagesAvailable()) return {StatusCode::kUnsupported, "This system has no large pages for weights."};
  if (count == 0 || first > large_pages() || count > large_pages() - first) {
    return {StatusCode::kInvalidRequest, "The mapping has no such large pages."};
  }
  uint8_t* at = const_cast<uint8_t*>(data_) + first * kHugePage;
  const uint64_t offset = first * kHugePage;
  bool replaced = false;
  const auto fill = [&](std::span<uint8_t> pages) { return file.ReadAt(offset, pages); };
  const Status status = ReplaceByLargePages(at, count, fill, &replaced);
  if (!status.ok() && replaced) {
    (void)::mmap(at, count * kHugePage, PROT_READ, MAP_SHARED | MAP_FIXED, static_cast<int>(file.handle()),
                 static_cast<off_t>(offset));
  }
  return status;
}

Result<FileLock> FileLock::Try(const std::string& path) {
  // flock belongs to the open file, not to the process: closing another descriptor of the file does not release it.
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Status{StatusCode::kIo, path + ": " + std::strerror(errno) + "."};
  int result;
  do {
    result = ::flock(fd, LOCK_EX | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result == 0) return FileLock(fd);
  const int error = errno;
  ::close(fd);
  if (error == EWOULDBLOCK) return Status{StatusCode::kAlreadyRunning, path + ": locked by another process."};
  return Status{StatusCode::kIo, path + ": " + std::strerror(error) + "."};
}

FileLock::FileLock(FileLock&& other) noexcept : handle_(std::exchange(other.handle_, -1)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

FileLock::~FileLock() { CloseHandle(handle_); }

Result<StreamPair> StreamPair::Open() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) {
    return Status{StatusCode::kIo, std::string("A pair of sockets: ") + std::strerror(errno) + "."};
  }
  for (const int end : ends) (void)::fcntl(end, F_SETFD, FD_CLOEXEC);
  return StreamPair{ends[0], ends[1]};
}

std::FILE* CreateNew(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return nullptr;
  std::FILE* file = ::fdopen(fd, "wb");
  if (file == nullptr) ::close(fd);
  return file;
}

bool SyncToDisk(std::FILE* file) {
#if defined(__APPLE__)
  // fsync only reaches the drive's cache there.
  if (::fcntl(::fileno(file), F_FULLFSYNC) == 0) return true;
#endif
  return ::fsync(::fileno(file)) == 0;
}

bool MoveOver(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return false;
  const size_t slash = to.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : to.substr(0, slash + 1);
  const int fd = ::open(folder.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    (void)::fsync(fd);  // some file systems refuse; the file is complete either way
    ::close(fd);
  }
  return true;
}

void RemoveFile(const std::string& path) { (void)::unlink(path.c_str()); }

uint64_t ProcessId() { return static_cast<uint64_t>(::getpid()); }

}  // namespace zell::base

#endif
