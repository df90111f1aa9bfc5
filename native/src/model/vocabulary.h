// Fills the tokenizer's spec from a GGUF file's metadata.
#pragma once

#include "base/status.h"
#include "gguf/file.h"
#include "tokenizer/tokenizer.h"

namespace zell::model {

/// The texts of tokens and merges are shared with the file; Tokenizer::Create checks all of it.
/// @errors kBadModelFile: a key is missing or of another type.
base::Result<tokenizer::VocabularySpec> ReadVocabulary(const gguf::File& file);

}  // namespace zell::model
