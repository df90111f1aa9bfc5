// Which class encodes for which algorithm.
#include "tokenizer/text_encoder.h"

namespace zell::tokenizer::internal {

base::Result<std::unique_ptr<TextEncoder>> MakeTextEncoder(const Vocabulary& vocabulary) {
  switch (vocabulary.algorithm) {
    case Algorithm::kBpe:
      return MakeBpeEncoder(vocabulary);
    default:
      break;
  }
  return base::Status{base::StatusCode::kUnsupportedModel, "tokenizer model '" + vocabulary.spec.model + "'"};
}

}  // namespace zell::tokenizer::internal
