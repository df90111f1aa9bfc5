// Reads one metadata value. Private to the room.
#pragma once

#include <string_view>

#include "gguf/cursor.h"
#include "gguf/file.h"
#include "gguf/value_type.h"

namespace zell::gguf {

/// Reads the type and the value of `key`. `memory` is what the values of this file may still take; it shrinks.
base::Status ReadValue(Cursor& cursor, std::string_view key, uint64_t* memory, Value* out);

}  // namespace zell::gguf
