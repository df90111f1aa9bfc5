// Reads one metadata value. Private to the room.
#pragma once

#include <string_view>

#include "gguf/cursor.h"
#include "gguf/file.h"

namespace zell::gguf {

/// GGUF's value types.
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

/// Reads the type and the value of `key`. `memory` is what the values of this file may still take; it shrinks.
base::Status ReadValue(Cursor& cursor, std::string_view key, uint64_t* memory, Value* out);

}  // namespace zell::gguf
