// Linux: transparent huge pages in the place of a mapping.
#if defined(__linux__)

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "base/large_pages.h"

namespace zell::base {
namespace {

Status NoMemory(const char* what) {
  return {StatusCode::kOutOfMemory, std::string(what) + ": " + std::strerror(errno) + "."};
}

}  // namespace

bool LargePagesAvailable() {
  std::ifstream stream("/sys/kernel/mm/transparent_hugepage/enabled");
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  return text.find("[always]") != std::string::npos || text.find("[madvise]") != std::string::npos;
}

void* ReserveAligned(size_t bytes) {
  if (bytes > SIZE_MAX / 2) return nullptr;
  void* space = ::mmap(nullptr, bytes + kHugePage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (space == MAP_FAILED) return nullptr;
  // Pages before and behind go back; the border behind must be one of a small page.
  const auto small_page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto start = reinterpret_cast<uintptr_t>(space);
  const uintptr_t first = (start + kHugePage - 1) / kHugePage * kHugePage;
  const uintptr_t last = (first + bytes + small_page - 1) / small_page * small_page;
  if (first > start) ::munmap(space, first - start);
  if (last < start + bytes + kHugePage) {
    ::munmap(reinterpret_cast<void*>(last), start + bytes + kHugePage - last);
  }
  return reinterpret_cast<void*>(first);
}

Status ReplaceByLargePages(void* at, size_t count, const std::function<Status(std::span<uint8_t>)>& fill,
                           bool* replaced) {
  *replaced = false;
  const size_t bytes = count * kHugePage;
  void* pages = ReserveAligned(bytes);
  if (pages == nullptr) return NoMemory("Address space for large pages");
  Status status = Status::Ok();
  if (::mprotect(pages, bytes, PROT_READ | PROT_WRITE) != 0) status = NoMemory("Large pages");
  if (status.ok()) {
    (void)::madvise(pages, bytes, MADV_HUGEPAGE);
    status = fill({static_cast<uint8_t*>(pages), bytes});
  }
  if (status.ok() && ::mprotect(pages, bytes, PROT_READ) != 0) status = NoMemory("Large pages");
  if (status.ok()) {
    // The kernel changes the page tables under its lock: who reads there meanwhile waits and finds the new pages.
    if (::mremap(pages, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, at) != MAP_FAILED) return status;
    status = NoMemory("Moving large pages");
    *replaced = true;
  }
  ::munmap(pages, bytes);
  return status;
}

}  // namespace zell::base

#endif
