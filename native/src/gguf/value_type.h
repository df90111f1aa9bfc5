// The numbers of GGUF's value types. Private to the room.
#pragma once

#include <cstdint>

namespace zell::gguf {

enum class ValueType : uint32_t {
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kF32,
  kBool,
  kString,
  kArray,
  kU64,
  kI64,
  kF64,
};

}  // namespace zell::gguf
