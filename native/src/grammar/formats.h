// The `format`s of JSON strings.
#pragma once

#include <string_view>

namespace zell::grammar {

/// A pattern (`pattern.h`) of strings that have the format, not always of all of them; nullptr: none is known.
const char* PatternOfFormat(std::string_view format);

/// Formats that JSON Schema defines; others say nothing about which values are valid.
bool IsStandardFormat(std::string_view format);

}  // namespace zell::grammar
