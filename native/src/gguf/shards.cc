#include "gguf/shards.h"

#include <cstdio>

#include "gguf/limits.h"

namespace zell::gguf {
namespace {

/// Five decimal digits at `p`.
std::optional<uint32_t> FiveDigits(const char* p) {
  uint32_t n = 0;
  for (int i = 0; i < 5; ++i) {
    if (p[i] < '0' || p[i] > '9') return std::nullopt;
    n = n * 10 + static_cast<uint32_t>(p[i] - '0');
  }
  return n;
}

}  // namespace

std::optional<ShardName> ParseShardName(const std::string& path) {
  constexpr char kForm[] = "-00001-of-00002.gguf";
  constexpr size_t kLength = sizeof kForm - 1;
  if (path.size() <= kLength) return std::nullopt;
  const std::string tail = path.substr(path.size() - kLength);
  const std::optional<uint32_t> number = FiveDigits(tail.data() + 1), count = FiveDigits(tail.data() + 10);
  if (tail[0] != '-' || tail.compare(6, 4, "-of-") != 0 || tail.compare(15, 5, ".gguf") != 0) return std::nullopt;
  if (!number || !count || *number == 0 || *number > *count || *count > kMaxShards) return std::nullopt;
  return ShardName{path.substr(0, path.size() - kLength), *number, *count};
}

std::string ShardPath(const std::string& prefix, uint32_t number, uint32_t count) {
  char tail[40];
  std::snprintf(tail, sizeof tail, "-%05u-of-%05u.gguf", static_cast<unsigned>(number), static_cast<unsigned>(count));
  return prefix + tail;
}

}  // namespace zell::gguf
