// Remembers the tokens of words within one text: most words of a text stand in it many times.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "tokenizer/pieces.h"

namespace zell::tokenizer::internal {

/// Direct-mapped; a word that does not fit or was displaced is encoded again. Words of up to kWords · 8 - 2
/// bytes are kept, spaces in front not counted. Not thread-safe.
template <size_t kWords>
class WordCache {
 public:
  /// Sized for a text of so many bytes: clearing it must not cost more than it saves.
  explicit WordCache(size_t text_bytes) : slots_(std::bit_ceil(std::clamp<size_t>(text_bytes / 16, 16, 8192))) {}

  /// Appends the word's tokens: those that `encode()` appended when it was asked for this word before, else its own.
  /// It answers whether they may be kept.
  template <typename Encode>
  void Append(std::string_view word, std::vector<Token>* tokens, Encode encode) {
    size_t spaces = 0;
    for (; word.substr(0, kSpaceMark.size()) == kSpaceMark && spaces < 255; ++spaces) {
      word.remove_prefix(kSpaceMark.size());
    }
    if (word.size() > kMaxBytes) {
      encode();
      return;
    }
    Key key{};
    std::memcpy(key.data(), word.data(), word.size());
    key[kWords - 1] |= uint64_t{word.size() + 1} << 56 | uint64_t{spaces} << 48;
    Slot& slot = slots_[Hash(key) & (slots_.size() - 1)];
    if (slot.key == key) {
      tokens->insert(tokens->end(), slot.tokens.begin(), slot.tokens.begin() + slot.count);
      return;
    }
    const size_t before = tokens->size();
    const bool keep = encode();
    const size_t count = tokens->size() - before;
    if (!keep || count > slot.tokens.size()) return;
    slot.key = key;
    slot.count = static_cast<uint32_t>(count);
    std::copy_n(tokens->end() - static_cast<ptrdiff_t>(count), count, slot.tokens.begin());
  }

 private:
  static constexpr size_t kMaxBytes = kWords * 8 - 2;
  using Key = std::array<uint64_t, kWords>;  ///< the bytes, spaces before them, their number + 1; 0: empty
  struct alignas(64) Slot {
    Key key{};
    uint32_t count = 0;
    std::array<Token, kWords * 2 + 3> tokens{};
  };
  static_assert(std::endian::native == std::endian::little);

  static size_t Hash(const Key& key) {
    uint64_t h = 0;
    for (const uint64_t part : key) h = (std::rotl(h, 29) ^ part) * 0x9E3779B97F4A7C15;
    h ^= h >> 32;
    h *= 0xD6E8FEB86659FD93;
    return static_cast<size_t>(h >> 40);
  }

  std::vector<Slot> slots_;
};

}  // namespace zell::tokenizer::internal
