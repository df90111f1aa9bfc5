// Which special tokens swallow the white space beside them. GGUF files do not say; some models are known for it.
#pragma once

#include "tokenizer/tokenizer.h"

namespace zell::tokenizer::internal {

struct StripRule {
  bool left = false;
  bool right = false;
};

/// For a token that is searched for in text.
StripRule StripRuleOf(const VocabularySpec& spec, size_t token);

}  // namespace zell::tokenizer::internal
