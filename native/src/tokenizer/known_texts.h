// Texts by which special tokens are known across model families, for files whose metadata does not name their ids.
#pragma once

#include <span>
#include <string_view>

namespace zell::tokenizer::internal {

/// Each list in order of preference: the first text that the vocabulary has gives the token.
struct KnownTexts {
  std::span<const std::string_view> eot, eom;
  std::span<const std::string_view> fim_prefix, fim_suffix, fim_middle, fim_pad, fim_repo, fim_separator;
  /// All of these end a generation.
  std::span<const std::string_view> end_of_generation;
};
const KnownTexts& GetKnownTexts();

}  // namespace zell::tokenizer::internal
