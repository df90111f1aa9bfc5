// A read-only memory mapping of a whole file, parts of which may move to memory of this process.
#pragma once

#include <cstdint>
#include <span>

#include "base/large_pages.h"
#include "base/read_file.h"
#include "base/status.h"

namespace zell::base {

/// Immutable; any thread. The bytes start at a page border, a large page's where the system has any. If another program
/// truncates the file, touching the lost pages ends this process: map only files that are meant to stay as they are.
class MappedFile {
 public:
  /// Maps all of `file`, which may be closed afterwards. An empty file gives an empty mapping. @errors kIo.
  static Result<MappedFile> Map(const ReadFile& file);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const uint8_t> bytes() const { return {data_, size_}; }

  enum class Advice { kNormal, kWillNeed, kDontNeed };
  /// A hint about a range of the mapping; out-of-range parts are ignored.
  void Advise(uint64_t offset, uint64_t length, Advice advice) const;

  /// Large pages that the mapping could consist of, counted from its start; the rest of the file is smaller than one.
  uint64_t large_pages() const { return LargePagesIn(data_, size_); }
  /// Puts memory of this process in large pages where pages [first, first + count) of the mapping are, with what `file`
  /// (the mapped one) holds there. Readers find the same bytes before, meanwhile and after; the mapping's own pages are
  /// given back. When it fails, everything is as before.
  /// @errors kUnsupported: this system has no large pages; kInvalidRequest: not so many here; kOutOfMemory; kIo.
  Status Replace(const ReadFile& file, uint64_t first, size_t count) const;

 private:
  MappedFile(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace zell::base
