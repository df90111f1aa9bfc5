// Text to token ids and back, from the vocabulary in a GGUF file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/string_list.h"

namespace zell::tokenizer {

using Token = int32_t;

/// GGUF's token types.
enum class TokenKind : int32_t { kUndefined, kNormal, kUnknown, kControl, kUserDefined, kUnused, kByte };

/// What the GGUF metadata says; filled by the model room, checked by Tokenizer::Create.
struct VocabularySpec {
  std::string model;  ///< tokenizer.ggml.model: gpt2, gemma4, whitespace (BPE), llama (SPM), bert (WPM), t5 (UGM) …
  std::string pre;    ///< tokenizer.ggml.pre, BPE only
  std::string name;   ///< general.name; some models are known by it to strip spaces beside special tokens
  std::string architecture;  ///< general.architecture, for the same
  base::StringList tokens;
  std::vector<float> scores;     ///< empty or one per token
  std::vector<TokenKind> kinds;  ///< empty or one per token
  base::StringList merges;       ///< empty after Create
  // Ids; -1 when absent.
  Token bos = -1, eos = -1, eot = -1, eom = -1, unknown = -1, padding = -1, separator = -1, mask = -1;
  Token fim_prefix = -1, fim_suffix = -1, fim_middle = -1, fim_pad = -1, fim_repo = -1, fim_separator = -1;
  bool has_add_bos = false;  ///< whether the file sets tokenizer.ggml.add_bos_token at all
  bool add_bos = false;
  bool has_add_eos = false;
  bool add_eos = false;
  // What the file does not say has its family's value after Create.
  std::optional<bool> add_separator;
  std::optional<bool> add_space_prefix;
  std::optional<bool> remove_extra_spaces;  ///< tokenizer.ggml.remove_extra_whitespaces
  std::optional<bool> lowercase;            ///< tokenizer.ggml.normalizer.lowercase
  std::optional<bool> strip_accents;        ///< tokenizer.ggml.normalizer.strip_accents
  std::string charsmap;                     ///< tokenizer.ggml.precompiled_charsmap, its bytes
  bool clean_spaces = false;                ///< set by Create: Decode tidies spaces before punctuation
};

/// Immutable after Create; every method may be called from any thread.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Of equal tokens, and of equal merges, the first counts; an empty token matches nothing.
  /// @errors kUnsupportedModel: model or pre-tokenizer not known (named); kBadModelFile: ids or token types out of
  /// range, counts that do not fit, malformed merges, tokens too long.
  static base::Result<std::unique_ptr<Tokenizer>> Create(VocabularySpec spec);

  /// `parse_special`: texts of control and user-defined tokens become those tokens (user-defined ones always do).
  /// Invalid UTF-8 is encoded byte by byte (WPM drops it, UGM replaces it), never refused. At most n log n time. No BOS
  /// is added here; AddAffixes does.
  virtual std::vector<Token> Encode(std::string_view text, bool parse_special) const = 0;

  /// Puts BOS in front, EOS or the separator behind, as far as the model wants them.
  void AddAffixes(std::vector<Token>* tokens) const;

  /// The text of a whole sequence: pieces, without the space that Encode put in front, spaces tidied where the family
  /// does so. `remove_affixes`: no BOS and EOS that the model adds. Not always valid UTF-8.
  std::string Decode(std::span<const Token> tokens, bool remove_affixes, bool special) const;

  /// The bytes of one token as they appear in text; control tokens give their text if `special`, else nothing.
  virtual std::string Piece(Token token, bool special) const = 0;

  virtual size_t size() const = 0;
  virtual bool IsControl(Token token) const = 0;
  /// All tokens that end a generation, ascending.
  virtual std::span<const Token> EndOfGeneration() const = 0;
  /// The spec after defaults were filled in (BOS and EOS of the family, FIM tokens found by their texts, add_bos).
  virtual const VocabularySpec& spec() const = 0;
};

/// Joins pieces into text that is valid UTF-8 at every moment. One per sequence, not thread-safe.
class StreamDecoder {
 public:
  /// `special`: with the texts of control tokens.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool special = false);
  /// The characters completed by this token; an impossible byte becomes U+FFFD.
  std::string Push(Token token);
  /// What is left, an incomplete character as U+FFFD.
  std::string Flush();

 private:
  const Tokenizer* tokenizer_;
  bool special_;
  std::string pending_;
};

}  // namespace zell::tokenizer
