// The table of the byte alphabet, both ways.
#include "tokenizer/byte_alphabet.h"

#include <array>

namespace zell::tokenizer::internal {
namespace {

constexpr size_t kChars = 0x100 + 68;

constexpr bool IsPrintable(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Alphabet {
  std::array<uint16_t, 256> char_of{};
  std::array<int16_t, kChars> byte_of{};

  constexpr Alphabet() {
    for (int16_t& byte : byte_of) byte = -1;
    uint16_t next = 0x100;
    for (uint16_t byte = 0; byte < 256; ++byte) {
      char_of[byte] = IsPrintable(byte) ? byte : next++;
      byte_of[char_of[byte]] = static_cast<int16_t>(byte);
    }
  }
};
constexpr Alphabet kAlphabet;

}  // namespace

uint32_t CharOfByte(uint8_t byte) { return kAlphabet.char_of[byte]; }

// All characters of the alphabet lie below U+0800: one or two bytes each.
bool AppendSpelled(std::string_view spelling, std::string* bytes) {
  for (size_t pos = 0; pos < spelling.size(); ++pos) {
    uint32_t c = static_cast<uint8_t>(spelling[pos]);
    if (c >= 0x80) {
      if (c < 0xC2 || c >= 0xE0 || pos + 1 == spelling.size()) return false;
      const uint32_t next = static_cast<uint8_t>(spelling[++pos]);
      if ((next & 0xC0) != 0x80) return false;
      c = (c & 0x1F) << 6 | (next & 0x3F);
    }
    if (c >= kChars || kAlphabet.byte_of[c] < 0) return false;
    bytes->push_back(static_cast<char>(kAlphabet.byte_of[c]));
  }
  return true;
}

std::optional<std::string> DecodeSpelling(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  if (!AppendSpelled(spelling, &bytes)) return std::nullopt;
  return bytes;
}

std::string EncodeSpelling(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) {
    const uint32_t c = CharOfByte(static_cast<uint8_t>(byte));
    if (c < 0x80) {
      spelling.push_back(static_cast<char>(c));
    } else {
      spelling.push_back(static_cast<char>(0xC0 | c >> 6));
      spelling.push_back(static_cast<char>(0x80 | (c & 0x3F)));
    }
  }
  return spelling;
}

}  // namespace zell::tokenizer::internal
