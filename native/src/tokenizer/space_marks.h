// Cuts text with `▁` for spaces into words that know nothing of each other, where the vocabulary allows it.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "tokenizer/pieces.h"

namespace zell::tokenizer::internal {

/// Bytes of a character by its first byte alone, as SentencePiece and its ports step through text, valid or not.
inline size_t StepOf(char lead) {
  constexpr uint8_t kSteps[] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4};
  return kSteps[static_cast<uint8_t>(lead) >> 4];
}

/// Before which spaces no token reaches across. Exact: a token with a `▁` inside keeps all those places uncut that have
/// the same byte before them.
class SpaceMarks {
 public:
  void AddToken(std::string_view text) {
    for (size_t at = text.find(kSpaceMark, 1); at != std::string_view::npos; at = text.find(kSpaceMark, at + 1)) {
      joins_[static_cast<uint8_t>(text[at - 1])] = true;
    }
  }
  /// The end of the word that starts at `begin`, at a character's border; begin < text.size().
  size_t EndOfWord(std::string_view text, size_t begin) const {
    size_t pos = begin + StepOf(text[begin]);
    while (pos < text.size() && !(text[pos] == kSpaceMark[0] && !joins_[static_cast<uint8_t>(text[pos - 1])] &&
                                  text.substr(pos, kSpaceMark.size()) == kSpaceMark)) {
      pos += StepOf(text[pos]);
    }
    return pos < text.size() ? pos : text.size();
  }

 private:
  std::array<bool, 256> joins_{};
};

}  // namespace zell::tokenizer::internal
