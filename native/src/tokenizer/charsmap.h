// SentencePiece's precompiled character map: what a stretch of text is normalised to. Hostile data, checked once.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace zell::tokenizer::internal {

/// A double array of packed 32-bit units behind their size, then replacement texts, each ended by a zero. Filled once,
/// then read from any thread.
class Charsmap {
 public:
  /// `bytes` may be empty: then nothing is replaced.
  /// @errors kBadModelFile: sizes that do not fit.
  static base::Result<Charsmap> Create(std::string_view bytes);

  struct Match {
    std::string_view replacement;
    size_t length = 0;  ///< 0: nothing is replaced here
  };
  /// Of the longest mapped stretch that `text` starts with. A unit or replacement that lies outside of the data ends
  /// the search, as if it were not mapped.
  Match Longest(std::string_view text) const { return Walk(text, nullptr); }
  /// Whether nothing is replaced at an ASCII character that another one follows. Quicker than Longest.
  bool PassesThrough(uint8_t c, uint8_t next) const { return c < 128 && next < 128 && passes_[c][next]; }

 private:
  /// `steps`: how many bytes of the text are the start of something mapped.
  Match Walk(std::string_view text, size_t* steps) const;

  std::vector<uint32_t> units_;
  std::string replacements_;
  std::array<std::bitset<128>, 128> passes_;
};

}  // namespace zell::tokenizer::internal
