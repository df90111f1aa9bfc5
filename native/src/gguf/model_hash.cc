#include "gguf/model_hash.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/sha256.h"

namespace zell::gguf {
namespace {

using base::Status;

/// No reading ahead while it lives.
class Scattered {
 public:
  explicit Scattered(std::span<const base::ReadFile> files) : files_(files) { Set(true); }
  ~Scattered() { Set(false); }
  Scattered(const Scattered&) = delete;
  Scattered& operator=(const Scattered&) = delete;

 private:
  void Set(bool scattered) const {
    for (const base::ReadFile& file : files_) file.AdviseScattered(scattered);
  }
  std::span<const base::ReadFile> files_;
};

Status AddRange(const base::ReadFile& file, uint64_t offset, uint64_t length, base::Sha256* hash) {
  std::vector<uint8_t> buffer(static_cast<size_t>(std::min<uint64_t>(length, uint64_t{1} << 20)));
  while (length > 0) {
    const std::span<uint8_t> chunk(buffer.data(), static_cast<size_t>(std::min<uint64_t>(length, buffer.size())));
    ZELL_RETURN_IF_ERROR(file.ReadAt(offset, chunk));
    hash->Update(chunk);
    offset += chunk.size();
    length -= chunk.size();
  }
  return Status::Ok();
}

}  // namespace

base::Result<std::string> HashModel(std::span<const base::ReadFile> files, std::span<const uint64_t> table_ends,
                                    std::span<const TensorInfo> tensors) {
  base::Sha256 hash;
  hash.UpdateU64(files.size());
  for (size_t i = 0; i < files.size(); ++i) {
    hash.UpdateU64(table_ends[i]);
    ZELL_RETURN_IF_ERROR(AddRange(files[i], 0, table_ends[i], &hash));
  }
  const Scattered scattered(files);
  for (const TensorInfo& tensor : tensors) {
    const base::ReadFile& file = files[tensor.shard];
    if (tensor.bytes <= 3 * kSampleBytes) {
      ZELL_RETURN_IF_ERROR(AddRange(file, tensor.file_offset, tensor.bytes, &hash));
      continue;
    }
    const std::array<uint64_t, 3> starts{0, (tensor.bytes - kSampleBytes) / 2, tensor.bytes - kSampleBytes};
    for (const uint64_t start : starts) {
      ZELL_RETURN_IF_ERROR(AddRange(file, tensor.file_offset + start, kSampleBytes, &hash));
    }
  }
  const base::Sha256::Digest digest = hash.Finish();
  return base::ToHex(std::span(digest).first(8));
}

}  // namespace zell::gguf
