// The bytes of every token as they appear in text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace zell::tokenizer::internal {

/// Filled once, then read from any thread.
class Pieces {
 public:
  /// kinds: one per token. Normal tokens are spelled in the byte alphabet (one that is not is taken as it stands),
  /// special ones stand for themselves, byte tokens are `<0xNN>`; unused and undefined ones have no text.
  explicit Pieces(const VocabularySpec& spec);
  std::string_view operator[](size_t token) const {
    return {arena_.data() + starts_[token], starts_[token + 1] - starts_[token]};
  }

 private:
  std::string arena_;
  std::vector<size_t> starts_{0};
};

}  // namespace zell::tokenizer::internal
