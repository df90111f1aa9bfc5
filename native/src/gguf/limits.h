// Upper bounds on what a header may ask for, far above any real model. Private to the room, used by its tests.
#pragma once

#include <cstdint>

namespace zell::gguf {

constexpr uint64_t kMaxHeaderBytes = uint64_t{128} << 20;  ///< a vocabulary of 262,144 with merges takes about 20 MiB
constexpr uint64_t kMaxMetadataMemory = uint64_t{512} << 20;  ///< all values of a file as they are kept
constexpr uint64_t kMaxKeys = uint64_t{1} << 16;
constexpr uint64_t kMaxTensors = uint64_t{1} << 18;  ///< one per expert and layer of the largest MoE files: 50,000
constexpr uint64_t kMaxKeyBytes = 65535;             ///< from the format's specification
constexpr uint64_t kMaxTensorNameBytes = 255;
constexpr uint32_t kMaxDims = 4;
constexpr uint64_t kMinAlignment = 8;  ///< the specification's: any aligned tensor may be read as 64-bit words
constexpr uint64_t kMaxAlignment = uint64_t{1} << 20;
constexpr uint64_t kDefaultAlignment = 32;
constexpr uint32_t kMaxShards = 4096;

}  // namespace zell::gguf
