// Reads a header front to back through a buffer. Private to the room.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "base/byte_source.h"

namespace zell::gguf {

/// One sentence about a broken file; `what` names the field.
inline base::Status BadFile(const std::string& what, uint64_t position) {
  return {base::StatusCode::kBadModelFile, what + " (at byte " + std::to_string(position) + ")."};
}

/// A name from the file, made fit to print: quoted, at most 80 bytes, other than printable ASCII as `?`.
std::string Quoted(std::string_view name);

/// Every read checks what is left first; nothing is allocated by a count that the file could not hold.
class Cursor {
 public:
  explicit Cursor(const base::ByteSource& source);

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return end_ - position_; }

  base::Status Read(std::span<uint8_t> out, const char* what) {
    if (out.size() > buffer_.size() - buffer_used_) return ReadOn(out, what);
    std::copy_n(buffer_.begin() + static_cast<ptrdiff_t>(buffer_used_), out.size(), out.begin());
    buffer_used_ += out.size();
    position_ += out.size();
    return base::Status::Ok();
  }
  template <typename T>
  base::Status ReadNumber(T* out, const char* what) {
    uint8_t bytes[sizeof(T)];
    ZELL_RETURN_IF_ERROR(Read(bytes, what));
    static_assert(std::endian::native == std::endian::little);
    std::memcpy(out, bytes, sizeof(T));
    return base::Status::Ok();
  }
  /// A u64 length and that many bytes.
  base::Status ReadString(std::string* out, uint64_t max_bytes, const char* what);
  /// The same, added to what `out` holds.
  base::Status AppendString(std::string* out, uint64_t max_bytes, const char* what);

 private:
  base::Status Fill();
  base::Status ReadOn(std::span<uint8_t> out, const char* what);

  const base::ByteSource& source_;
  uint64_t end_;  ///< the file's end or the header limit
  uint64_t position_ = 0;
  std::vector<uint8_t> buffer_;
  size_t buffer_used_ = 0;  ///< of buffer_; position_ stands at this byte
};

}  // namespace zell::gguf
