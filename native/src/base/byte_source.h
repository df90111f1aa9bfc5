// Bytes that can be read at any offset: a file, or memory in tests and fuzzers.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "base/checked.h"
#include "base/status.h"

namespace zell::base {

class ByteSource {
 public:
  virtual ~ByteSource() = default;
  virtual uint64_t size() const = 0;
  /// Fills `out` with the bytes from `offset` on. Any thread.
  /// @errors kIo: the range is not inside the source (a file may have shrunk), or the read failed.
  virtual Status ReadAt(uint64_t offset, std::span<uint8_t> out) const = 0;
};

/// Memory that the caller keeps alive.
class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }
  Status ReadAt(uint64_t offset, std::span<uint8_t> out) const override {
    if (!FitsWithin(offset, out.size(), bytes_.size())) return {StatusCode::kIo, "Read past the end of the data."};
    if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    return Status::Ok();
  }

 private:
  std::span<const uint8_t> bytes_;
};

}  // namespace zell::base
