// The random models that tests can ask for. A new architecture is one file here and one row or more in registry.cc.
#pragma once

#include <span>

#include "model_maker.h"

namespace zell::test {

struct RandomModel {
  const char* name;  ///< of the row; may be a variant of an architecture
  const char* arch;  ///< general.architecture
  void (*describe)(ModelMaker& model);
  ModelShape shape = {};  ///< 0: two layers, width 256, 4 heads, 2 KV heads, MLP 512, context 2048, tied
  /// Most that a logit of the F32 model may differ from the oracle's, as a part of the logits' range.
  double tolerance = 1e-3;
  /// The oracle's context for this row; 0: that of the file. Decides which factors longrope takes.
  uint32_t context = 0;
};

std::span<const RandomModel> RandomModels();
const RandomModel* FindRandomModel(std::string_view name);

void DescribeLlama(ModelMaker& model);
void DescribeQwen2(ModelMaker& model);

}  // namespace zell::test
