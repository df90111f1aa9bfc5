// Sets of Unicode characters, and how their members look in UTF-8.
#pragma once

#include <bitset>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace zell::grammar {

struct CharRange {
  uint32_t first, last;
  bool operator==(const CharRange&) const = default;
};

constexpr uint32_t kLastChar = 0x10FFFF;

/// Characters without surrogates; ranges ascend and do not touch.
class CharSet {
 public:
  CharSet() = default;
  CharSet(std::initializer_list<CharRange> ranges) {
    for (const CharRange& range : ranges) Add(range.first, range.last);
  }
  static CharSet All() { return CharSet{{0, kLastChar}}; }

  void Add(uint32_t first, uint32_t last);
  void Add(const CharSet& other);
  CharSet Without(const CharSet& other) const;
  CharSet Within(const CharSet& other) const { return Without(All().Without(other)); }
  bool empty() const { return ranges_.empty(); }
  std::span<const CharRange> ranges() const { return ranges_; }

 private:
  std::vector<CharRange> ranges_;
};

using ByteSet = std::bitset<256>;

/// One way through the bytes of characters: a byte of each set. At most 4.
using ByteSets = std::vector<ByteSet>;

/// The encodings of all characters in `ranges`, as few ways as is easy; different ways share no encoding.
std::vector<ByteSets> Utf8Ways(std::span<const CharRange> ranges);

/// Appends a character in UTF-8; code_point <= kLastChar.
void AppendUtf8(uint32_t code_point, std::string* text);

/// Reads one character. A byte that begins none counts as the character of its number.
/// @returns bytes that it takes; text is not empty
size_t ReadUtf8(std::string_view text, uint32_t* code_point);

}  // namespace zell::grammar
