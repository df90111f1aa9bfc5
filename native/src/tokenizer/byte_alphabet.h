// GPT-2's byte alphabet: vocabularies of byte-level BPE spell each byte as one printable character.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace zell::tokenizer::internal {

/// The character that stands for a byte: printable Latin-1 for itself, the other 68 bytes as U+0100 and on, in order.
uint32_t CharOfByte(uint8_t byte);

/// The bytes that a spelling stands for; nullopt when a character is not of the alphabet.
std::optional<std::string> DecodeSpelling(std::string_view spelling);

/// Appends them instead, and says whether all are of the alphabet; else `bytes` has some of them.
bool AppendSpelled(std::string_view spelling, std::string* bytes);

/// The spelling of bytes.
std::string EncodeSpelling(std::string_view bytes);

}  // namespace zell::tokenizer::internal
