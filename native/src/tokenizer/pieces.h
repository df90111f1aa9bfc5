// The bytes of every token as they appear in text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace zell::tokenizer::internal {

/// `▁`, which stands for a space in vocabularies that spell their tokens in UTF-8.
constexpr std::string_view kSpaceMark = "\xE2\x96\x81";

/// The byte of `<0xNN>`; nullopt for anything else.
std::optional<char> ParseByteToken(std::string_view text);

/// The bytes that an RWKV token spells with backslashes: \t, \n, \r, \xNN, and any other character for itself.
std::string Unescape(std::string_view text);

/// Appends `text` with every `from` replaced by `to`.
void AppendReplaced(std::string_view text, std::string_view from, std::string_view to, std::string* out);

/// Filled once, then read from any thread.
class Pieces {
 public:
  /// Normal tokens are spelled as the family spells them (one that is not spelled in the byte alphabet is taken as it
  /// stands), special ones stand for themselves, byte tokens are `<0xNN>`; unused and undefined ones have no text.
  explicit Pieces(const Vocabulary& vocabulary);
  std::string_view operator[](size_t token) const {
    return {arena_.data() + starts_[token], starts_[token + 1] - starts_[token]};
  }

 private:
  std::string arena_;
  std::vector<size_t> starts_{0};
};

}  // namespace zell::tokenizer::internal
