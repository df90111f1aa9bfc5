// What every system's direct reads have in common: a file that changes is noticed.
#include "base/direct_file.h"

#include <algorithm>
#include <atomic>

#include "base/os.h"

namespace zell::base {

struct DirectFile::Impl {
  explicit Impl(ReadFile opened) : file(std::move(opened)) {}
  ReadFile file;
  FileState state;
  mutable std::atomic<bool> direct = false;

  Status CheckState() const {
    const Result<FileState> now = StateOf(file);
    if (!now.ok()) return now.status();
    if (*now == state) return Status::Ok();
    return {StatusCode::kIo, "The model file was changed while it was in use; load the model again."};
  }
};

Result<DirectFile> DirectFile::Open(const std::string& path, const ReadFile& same, bool past_cache) {
  const Result<FileState> expected = StateOf(same);
  if (!expected.ok()) return expected.status();
  bool direct = false;
  Result<ReadFile> file = past_cache ? OpenDirect(path, &direct) : ReadFile::Open(path);
  if (!file.ok()) return file.status();
  auto impl = std::make_unique<Impl>(std::move(*file));
  impl->state = *expected;
  impl->direct = direct;
  ZELL_RETURN_IF_ERROR(impl->CheckState());
  return DirectFile(std::move(impl));
}

DirectFile::DirectFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DirectFile::DirectFile(DirectFile&& other) noexcept = default;
DirectFile& DirectFile::operator=(DirectFile&& other) noexcept = default;
DirectFile::~DirectFile() = default;

uint64_t DirectFile::size() const { return impl_->state.size; }
bool DirectFile::direct() const { return impl_->direct; }

Status DirectFile::ReadAt(uint64_t offset, std::span<uint8_t> out) const {
  if (offset % kDirectAlignment != 0 || out.size() % kDirectAlignment != 0 ||
      reinterpret_cast<uintptr_t>(out.data()) % kDirectAlignment != 0) {
    return {StatusCode::kInternal, "a direct read that is not aligned"};
  }
  if (offset >= size() && !out.empty()) return {StatusCode::kIo, "Read past the end of the file."};
  const size_t wanted = static_cast<size_t>(std::min<uint64_t>(out.size(), size() - offset));
  bool direct = impl_->direct;
  Status status = ReadDirect(impl_->file, offset, out, wanted, &direct);
  if (!direct) impl_->direct = false;
  // A file that was cut or overwritten meanwhile says so better than the failed read.
  ZELL_RETURN_IF_ERROR(impl_->CheckState());
  return status;
}

}  // namespace zell::base
