// Which class encodes for which algorithm.
#include "tokenizer/text_encoder.h"

namespace zell::tokenizer::internal {

base::Result<std::unique_ptr<TextEncoder>> MakeTextEncoder(const Vocabulary& vocabulary) {
  switch (vocabulary.algorithm) {
    case Algorithm::kBpe:
      return MakeBpeEncoder(vocabulary);
    case Algorithm::kSpm:
      return MakeSpmEncoder(vocabulary);
    case Algorithm::kWpm:
      return MakeWpmEncoder(vocabulary);
    case Algorithm::kUgm:
      return MakeUgmEncoder(vocabulary);
    case Algorithm::kRwkv:
      return MakeRwkvEncoder(vocabulary);
    case Algorithm::kPlamo2:
      return MakePlamo2Encoder(vocabulary);
  }
  return base::Status{base::StatusCode::kUnsupportedModel, "tokenizer model '" + vocabulary.spec.model + "'"};
}

}  // namespace zell::tokenizer::internal
