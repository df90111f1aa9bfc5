// A read-only memory mapping of a whole file.
#pragma once

#include <cstdint>
#include <span>

#include "base/read_file.h"
#include "base/status.h"

namespace zell::base {

/// Immutable; any thread. The bytes start at a page border. If another program truncates the file, touching the lost
/// pages ends this process: map only files that are meant to stay as they are.
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

 private:
  MappedFile(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace zell::base
