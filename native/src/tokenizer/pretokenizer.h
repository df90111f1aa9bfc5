// The pre-tokenizers that `tokenizer.ggml.pre` can name, and what each implies.
#pragma once

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/splitters.h"

namespace zell::tokenizer::internal {

/// How the words of a family are spelled in its vocabulary.
enum class Spelling : uint8_t {
  kByteAlphabet,   ///< each byte as one printable character
  kEscapedSpaces,  ///< UTF-8 with `▁` for spaces, bytes that are no token as `<0xNN>`
  kPlain,          ///< UTF-8, bytes that are no token as `<0xNN>`; white space is dropped
};

struct Pretokenizer {
  std::string_view name;
  std::array<Splitter, 6> stages;  ///< up to the first nullptr
  /// A word that is a token is that token, whatever the merges would make of it.
  bool ignore_merges = false;
  /// The same for runs of line feeds only.
  bool ignore_merges_of_lines = false;
  bool add_bos = false;         ///< when the file does not say
  bool always_add_bos = false;  ///< whatever the file says
  bool add_separator = false;
  bool clean_spaces = false;  ///< see Tokenizer::Decode
  Spelling spelling = Spelling::kByteAlphabet;
  std::string_view bos_text;  ///< the family's, for files that name no id
  std::string_view eos_text;

  /// Replaces `*ends` by the ends of the words that `text` consists of. `scratch` is overwritten.
  void Split(std::string_view text, std::vector<uint32_t>* ends, std::vector<uint32_t>* scratch) const;
};

/// An empty name means `default`. nullptr when unknown.
const Pretokenizer* FindPretokenizer(std::string_view name);
/// All of them, in the table's order.
std::span<const Pretokenizer> AllPretokenizers();

}  // namespace zell::tokenizer::internal
