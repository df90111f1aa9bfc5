#include "gguf/cursor.h"

#include <algorithm>

#include "gguf/limits.h"

namespace zell::gguf {

using base::Status;

std::string Quoted(std::string_view name) {
  constexpr size_t kMaxShown = 80;
  std::string shown = "\"";
  for (const char c : name.substr(0, kMaxShown)) shown += c >= 0x20 && c < 0x7f && c != '"' ? c : '?';
  return shown + (name.size() > kMaxShown ? "…\"" : "\"");
}

Cursor::Cursor(const base::ByteSource& source) : source_(source), end_(std::min(source.size(), kMaxHeaderBytes)) {}

Status Cursor::Fill() {
  constexpr uint64_t kChunk = uint64_t{1} << 18;
  buffer_.resize(static_cast<size_t>(std::min(kChunk, remaining())));
  buffer_used_ = 0;
  return source_.ReadAt(position_, buffer_);
}

Status Cursor::ReadOn(std::span<uint8_t> out, const char* what) {
  if (out.size() > remaining()) {
    const bool capped = end_ < source_.size();
    return BadFile(std::string(what) + (capped ? ": the header is larger than 128 MiB" : ": the file ends too early"),
                   position_);
  }
  while (!out.empty()) {
    if (buffer_used_ == buffer_.size()) ZELL_RETURN_IF_ERROR(Fill());
    const size_t n = std::min(out.size(), buffer_.size() - buffer_used_);
    std::memcpy(out.data(), buffer_.data() + buffer_used_, n);
    buffer_used_ += n;
    position_ += n;
    out = out.subspan(n);
  }
  return Status::Ok();
}

Status Cursor::ReadString(std::string* out, uint64_t max_bytes, const char* what) {
  out->clear();
  return AppendString(out, max_bytes, what);
}

Status Cursor::AppendString(std::string* out, uint64_t max_bytes, const char* what) {
  uint64_t length = 0;
  ZELL_RETURN_IF_ERROR(ReadNumber(&length, what));
  if (length > remaining()) {
    return BadFile(std::string(what) + ": a string of " + std::to_string(length) + " bytes, but only " +
                       std::to_string(remaining()) + " are left",
                   position_ - 8);
  }
  if (length > max_bytes) {
    return BadFile(std::string(what) + ": a string of " + std::to_string(length) + " bytes, at most " +
                       std::to_string(max_bytes) + " are allowed",
                   position_ - 8);
  }
  const size_t before = out->size();
  out->resize(before + static_cast<size_t>(length));
  return Read({reinterpret_cast<uint8_t*>(out->data()) + before, static_cast<size_t>(length)}, what);
}

}  // namespace zell::gguf
