// Windows: opening, reading, mapping, locking and replacing files; memory and cores.
#if defined(_WIN32)

#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>

#include <fcntl.h>
#include <io.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "base/direct_file.h"
#include "base/file_lock.h"
#include "base/large_pages.h"
#include "base/mapped_file.h"
#include "base/memory_info.h"
#include "base/os.h"
#include "base/read_file.h"
#include "base/stream_pair.h"
#include "base/thread_pool.h"

namespace zell::base {
namespace {

const intptr_t kNoHandle = reinterpret_cast<intptr_t>(INVALID_HANDLE_VALUE);

HANDLE AsHandle(intptr_t handle) { return reinterpret_cast<HANDLE>(handle); }

std::wstring Wide(const std::string& text) {
  const int size = static_cast<int>(text.size());
  const int n = ::MultiByteToWideChar(CP_UTF8, 0, text.data(), size, nullptr, 0);
  std::wstring wide(static_cast<size_t>(n), L'\0');
  ::MultiByteToWideChar(CP_UTF8, 0, text.data(), size, wide.data(), n);
  return wide;
}

Status Failure(const std::string& what, DWORD error) {
  const bool missing = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND;
  return {missing ? StatusCode::kNotFound : StatusCode::kIo, what + ": Windows error " + std::to_string(error) + "."};
}

void Close(intptr_t handle) {
  if (handle != kNoHandle) ::CloseHandle(AsHandle(handle));
}

/// For callers that look at errno.
void SetErrno(DWORD error) {
  errno = error == ERROR_FILE_EXISTS                                       ? EEXIST
          : error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? ENOENT
                                                                           : EIO;
}

}  // namespace

Result<ReadFile> ReadFile::Open(const std::string& path) {
  // Deleting and renaming stay possible while we read, as on the other systems. Handles are not inherited by default.
  const HANDLE file = ::CreateFileW(Wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) return Failure(path, ::GetLastError());
  LARGE_INTEGER size{};
  if (::GetFileType(file) != FILE_TYPE_DISK || !::GetFileSizeEx(file, &size)) {
    ::CloseHandle(file);
    return Status{StatusCode::kIo, path + ": not a regular file."};
  }
  return ReadFile(reinterpret_cast<intptr_t>(file), static_cast<uint64_t>(size.QuadPart));
}

ReadFile::ReadFile(ReadFile&& other) noexcept
    : handle_(std::exchange(other.handle_, kNoHandle)), size_(std::exchange(other.size_, 0)) {}

ReadFile& ReadFile::operator=(ReadFile&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(size_, other.size_);
  return *this;
}

ReadFile::~ReadFile() { Close(handle_); }

Status ReadFile::ReadAt(uint64_t offset, std::span<uint8_t> out) const {
  if (!FitsWithin(offset, out.size(), size_)) return {StatusCode::kIo, "Read past the end of the file."};
  while (!out.empty()) {
    OVERLAPPED at{};
    at.Offset = static_cast<DWORD>(offset);
    at.OffsetHigh = static_cast<DWORD>(offset >> 32);
    const DWORD chunk = static_cast<DWORD>(std::min<size_t>(out.size(), size_t{1} << 30));
    DWORD n = 0;
    if (!::ReadFile(AsHandle(handle_), out.data(), chunk, &n, &at)) return Failure("Reading a file", ::GetLastError());
    if (n == 0) return {StatusCode::kIo, "The file became shorter while it was read."};
    offset += n;
    out = out.subspan(n);
  }
  return Status::Ok();
}

void ReadFile::AdviseScattered(bool) const {}  // chosen when a file is opened, there

Result<FileState> StateOf(const ReadFile& file) {
  BY_HANDLE_FILE_INFORMATION info{};
  if (!::GetFileInformationByHandle(AsHandle(file.handle()), &info))
    return Failure("Looking at a file", ::GetLastError());
  const auto join = [](DWORD high, DWORD low) { return uint64_t{high} << 32 | low; };
  return FileState{info.dwVolumeSerialNumber, join(info.nFileIndexHigh, info.nFileIndexLow),
                   join(info.nFileSizeHigh, info.nFileSizeLow),
                   join(info.ftLastWriteTime.dwHighDateTime, info.ftLastWriteTime.dwLowDateTime)};
}

Result<ReadFile> OpenDirect(const std::string& path, bool* direct) {
  *direct = true;
  const HANDLE file = ::CreateFileW(Wide(path).c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr,
                                    OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_NO_BUFFERING, nullptr);
  if (file == INVALID_HANDLE_VALUE) return Failure(path, ::GetLastError());
  LARGE_INTEGER size{};
  if (!::GetFileSizeEx(file, &size)) {
    ::CloseHandle(file);
    return Status{StatusCode::kIo, path + ": not a regular file."};
  }
  return ReadFile(reinterpret_cast<intptr_t>(file), static_cast<uint64_t>(size.QuadPart));
}

Status ReadDirect(const ReadFile& file, uint64_t offset, std::span<uint8_t> out, size_t wanted, bool*) {
  for (size_t done = 0; done < wanted;) {
    OVERLAPPED at{};
    at.Offset = static_cast<DWORD>(offset + done);
    at.OffsetHigh = static_cast<DWORD>((offset + done) >> 32);
    const DWORD chunk = static_cast<DWORD>(std::min<size_t>(out.size() - done, size_t{1} << 30));
    DWORD n = 0;
    if (!::ReadFile(AsHandle(file.handle()), out.data() + done, chunk, &n, &at)) {
      return Failure("Reading the model", ::GetLastError());
    }
    if (n == 0) return {StatusCode::kIo, "The file became shorter while it was read."};
    done += n;
  }
  return Status::Ok();
}

Result<MappedFile> MappedFile::Map(const ReadFile& file) {
  if (file.size() == 0) return MappedFile(nullptr, 0);
  const HANDLE mapping = ::CreateFileMappingW(AsHandle(file.handle()), nullptr, PAGE_READONLY, 0, 0, nullptr);
  if (mapping == nullptr) return Failure("Mapping a file", ::GetLastError());
  const void* data = ::MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, static_cast<size_t>(file.size()));
  const DWORD error = ::GetLastError();
  ::CloseHandle(mapping);  // the view keeps it alive
  if (data == nullptr) return Failure("Mapping a file", error);
  return MappedFile(static_cast<const uint8_t*>(data), static_cast<size_t>(file.size()));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::UnmapViewOfFile(data_);
}

void MappedFile::Advise(uint64_t offset, uint64_t length, Advice advice) const {
  if (offset >= size_ || length == 0 || advice != Advice::kWillNeed) return;
  WIN32_MEMORY_RANGE_ENTRY range{};
  range.VirtualAddress = const_cast<uint8_t*>(data_) + offset;
  range.NumberOfBytes = static_cast<SIZE_T>(std::min<uint64_t>(length, size_ - offset));
  (void)::PrefetchVirtualMemory(::GetCurrentProcess(), 1, &range, 0);
}

Status MappedFile::Replace(const ReadFile&, uint64_t, size_t) const {
  return {StatusCode::kUnsupported, "This system has no large pages for weights."};
}

Result<FileLock> FileLock::Try(const std::string& path) {
  const HANDLE file =
      ::CreateFileW(Wide(path).c_str(), GENERIC_READ | GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr,
                    OPEN_ALWAYS, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) return Status{StatusCode::kIo, Failure(path, ::GetLastError()).message};
  // A byte far behind any content: locks are mandatory there, and the content must stay readable.
  OVERLAPPED at{};
  at.OffsetHigh = 0x7fffffff;
  if (::LockFileEx(file, LOCKFILE_EXCLUSIVE_LOCK | LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at)) {
    return FileLock(reinterpret_cast<intptr_t>(file));
  }
  const DWORD error = ::GetLastError();
  ::CloseHandle(file);
  if (error == ERROR_LOCK_VIOLATION || error == ERROR_IO_PENDING) {
    return Status{StatusCode::kAlreadyRunning, path + ": locked by another process."};
  }
  return Failure(path, error);
}

FileLock::FileLock(FileLock&& other) noexcept : handle_(std::exchange(other.handle_, kNoHandle)) {}

FileLock& FileLock::operator=(FileLock&& other) noexcept {
  std::swap(handle_, other.handle_);
  return *this;
}

FileLock::~FileLock() { Close(handle_); }

std::FILE* CreateNew(const std::string& path) {
  const HANDLE file =
      ::CreateFileW(Wide(path).c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) {
    SetErrno(::GetLastError());
    return nullptr;
  }
  const int fd = ::_open_osfhandle(reinterpret_cast<intptr_t>(file), _O_WRONLY | _O_BINARY);
  if (fd < 0) {
    ::CloseHandle(file);
    return nullptr;
  }
  return ::_fdopen(fd, "wb");
}

bool SyncToDisk(std::FILE* file) { return ::_commit(::_fileno(file)) == 0; }

bool MoveOver(const std::string& from, const std::string& to) {
  if (::MoveFileExW(Wide(from).c_str(), Wide(to).c_str(), MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
    return true;
  }
  SetErrno(::GetLastError());
  return false;
}

void RemoveFile(const std::string& path) { (void)::DeleteFileW(Wide(path).c_str()); }

uint64_t ProcessId() { return ::GetCurrentProcessId(); }

MemoryPressure GetMemoryPressure() { return {}; }

MemoryInfo GetMemoryInfo() {
  MEMORYSTATUSEX status{};
  status.dwLength = sizeof status;
  if (!::GlobalMemoryStatusEx(&status)) return {0, 0};
  return {status.ullTotalPhys, status.ullAvailPhys};
}

uint64_t LastLevelCacheBytes() {
  DWORD bytes = 0;
  (void)::GetLogicalProcessorInformationEx(RelationCache, nullptr, &bytes);
  std::vector<uint8_t> buffer(bytes);
  auto* first = reinterpret_cast<SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX*>(buffer.data());
  if (bytes == 0 || !::GetLogicalProcessorInformationEx(RelationCache, first, &bytes)) return 0;
  uint64_t most = 0;
  for (DWORD at = 0; at < bytes;) {
    const auto* entry = reinterpret_cast<const SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX*>(buffer.data() + at);
    most = std::max(most, uint64_t{entry->Cache.CacheSize});
    at += entry->Size;
  }
  return most;
}

void LowerThreadPriority() { (void)::SetThreadPriority(::GetCurrentThread(), THREAD_PRIORITY_BELOW_NORMAL); }

void ReleasePages(void* data, size_t bytes) {
  SYSTEM_INFO system{};
  ::GetSystemInfo(&system);
  const uintptr_t page = system.dwPageSize, begin = reinterpret_cast<uintptr_t>(data);
  const uintptr_t first = (begin + page - 1) / page * page, last = (begin + bytes) / page * page;
  if (first < last) ::VirtualAlloc(reinterpret_cast<void*>(first), last - first, MEM_RESET, PAGE_READWRITE);
}

bool LargePagesAvailable() { return false; }  // they need a privilege that users do not have

int PhysicalCores() {
  DWORD bytes = 0;
  (void)::GetLogicalProcessorInformationEx(RelationProcessorCore, nullptr, &bytes);
  std::vector<uint8_t> buffer(bytes);
  auto* first = reinterpret_cast<SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX*>(buffer.data());
  if (bytes == 0 || !::GetLogicalProcessorInformationEx(RelationProcessorCore, first, &bytes)) return 1;
  int cores = 0;
  for (DWORD at = 0; at < bytes; ++cores) {
    at += reinterpret_cast<const SYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX*>(buffer.data() + at)->Size;
  }
  return std::max(1, cores);
}

Result<StreamPair> StreamPair::Open() {
  return Status{StatusCode::kUnsupported, "This system has no pairs of sockets."};
}

}  // namespace zell::base

#endif
