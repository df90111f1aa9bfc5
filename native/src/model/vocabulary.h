// Fills the tokenizer's spec from a GGUF file's metadata.
#pragma once

#include "base/status.h"
#include "gguf/file.h"
#include "tokenizer/tokenizer.h"

namespace zell::model {

/// Copies the vocabulary; Tokenizer::Create checks it.
/// @errors kBadModelFile: a key is missing or of another type.
base::Result<tokenizer::VocabularySpec> ReadVocabulary(const gguf::File& file);

}  // namespace zell::model
