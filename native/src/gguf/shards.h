// File names of split sets: `name-00002-of-00005.gguf`. Private to the room.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace zell::gguf {

struct ShardName {
  std::string prefix;  ///< path up to the dash in front of the number
  uint32_t number;     ///< from 1
  uint32_t count;
};

/// nullopt when the name has another form or the numbers make no sense.
std::optional<ShardName> ParseShardName(const std::string& path);
std::string ShardPath(const std::string& prefix, uint32_t number, uint32_t count);

}  // namespace zell::gguf
