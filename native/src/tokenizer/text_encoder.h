// What stands between special tokens: plain text to tokens, one class for each tokenizer model.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "tokenizer/vocabulary.h"

namespace zell::tokenizer::internal {

/// Immutable but for caches, any thread may call.
class TextEncoder {
 public:
  /// The scratch memory of one call of Tokenizer::Encode; not thread-safe, ends before its encoder.
  class Session {
   public:
    virtual ~Session() = default;
    /// Appends the tokens of `text`, which is not empty. `at_start`: nothing or a special token stands before it.
    /// text.size() < 2^32.
    virtual void Encode(std::string_view text, bool at_start, std::vector<Token>* tokens) = 0;
  };

  virtual ~TextEncoder() = default;
  /// `text_bytes`: about how much the session will encode.
  virtual std::unique_ptr<Session> NewSession(size_t text_bytes) const = 0;
};

/// The encoder of the vocabulary's algorithm; it keeps a reference to the vocabulary.
/// @errors kBadModelFile: the algorithm's own data is malformed (character map, missing bytes).
base::Result<std::unique_ptr<TextEncoder>> MakeTextEncoder(const Vocabulary& vocabulary);

base::Result<std::unique_ptr<TextEncoder>> MakeBpeEncoder(const Vocabulary& vocabulary);
base::Result<std::unique_ptr<TextEncoder>> MakeSpmEncoder(const Vocabulary& vocabulary);
base::Result<std::unique_ptr<TextEncoder>> MakeWpmEncoder(const Vocabulary& vocabulary);
base::Result<std::unique_ptr<TextEncoder>> MakeUgmEncoder(const Vocabulary& vocabulary);
base::Result<std::unique_ptr<TextEncoder>> MakeRwkvEncoder(const Vocabulary& vocabulary);
base::Result<std::unique_ptr<TextEncoder>> MakePlamo2Encoder(const Vocabulary& vocabulary);

}  // namespace zell::tokenizer::internal
