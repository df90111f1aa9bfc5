// Where tests keep what they download or make once.
#pragma once

#include <cstdlib>
#include <filesystem>

namespace zell::test {

inline std::filesystem::path Cache() {
  if (const char* cache = std::getenv("ZELL_CACHE")) return cache;
  const char* home = std::getenv("HOME");
  return std::filesystem::path(home != nullptr ? home : ".") / ".cache/zell";
}

}  // namespace zell::test
