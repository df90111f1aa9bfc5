#include "base/hash_file.h"

#include <algorithm>
#include <vector>

#include "base/read_file.h"
#include "base/sha256.h"

namespace zell::base {

Result<std::string> HashFile(const std::string& path) {
  constexpr size_t kChunk = size_t{1} << 20;
  Result<ReadFile> file = ReadFile::Open(path);
  if (!file.ok()) return file.status();
  Sha256 hash;
  std::vector<uint8_t> chunk(kChunk);
  for (uint64_t at = 0; at < file->size(); at += kChunk) {
    const std::span<uint8_t> part(chunk.data(), static_cast<size_t>(std::min<uint64_t>(kChunk, file->size() - at)));
    ZELL_RETURN_IF_ERROR(file->ReadAt(at, part));
    hash.Update(part);
  }
  return ToHex(hash.Finish());
}

}  // namespace zell::base
