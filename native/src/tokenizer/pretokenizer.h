// The pre-tokenizers that `tokenizer.ggml.pre` can name, and what each implies.
#pragma once

#include <string_view>

#include "tokenizer/splitters.h"

namespace zell::tokenizer::internal {

struct Pretokenizer {
  std::string_view name;
  Splitter split;
  /// A word that is a token is that token, whatever the merges would make of it.
  bool ignore_merges;
  bool add_bos;               ///< when the file does not say
  std::string_view bos_text;  ///< the family's, for files that name no id
  std::string_view eos_text;
};

/// nullptr when unknown.
const Pretokenizer* FindPretokenizer(std::string_view name);

}  // namespace zell::tokenizer::internal
