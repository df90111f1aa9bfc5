// The random models that tests can ask for. A new architecture is one file here and one row or more in registry.cc.
#pragma once

#include <span>

#include "model_maker.h"

namespace zell::test {

enum class Compared {
  kAlsoQuantised,
  kF32Only,  ///< a variant whose products another row covers
};

struct RandomModel {
  const char* name;  ///< of the row; may be a variant of an architecture
  const char* arch;  ///< general.architecture
  void (*describe)(ModelMaker& model);
  ModelShape shape = {};  ///< 0: two layers, width 256, 4 heads, 2 KV heads, MLP 512, context 2048, tied
  Compared compared = Compared::kAlsoQuantised;
  /// Most that a logit of the F32 model may differ from the oracle's, as a part of the logits' range.
  double tolerance = 1e-3;
  /// The oracle's context for this row; 0: that of the file. Decides which factors longrope takes.
  uint32_t context = 0;
  /// Embeddings are compared instead of logits.
  bool encoder = false;
};

std::span<const RandomModel> RandomModels();
const RandomModel* FindRandomModel(std::string_view name);

// By file name.
void DescribeGemma(ModelMaker& model);
void DescribeGemma2(ModelMaker& model);
void DescribeGemma4(ModelMaker& model);
void DescribeGemma4Small(ModelMaker& model);
void DescribeGemma3(ModelMaker& model);
void DescribeLlama(ModelMaker& model);
void DescribeLlamaBiases(ModelMaker& model);
void DescribeLlamaLinear(ModelMaker& model);
void DescribeLlamaFactors(ModelMaker& model);
void SetYarn(ModelMaker& model);
void DescribeLlamaYarn(ModelMaker& model);
void DescribeMistral3(ModelMaker& model);
void DescribeOlmo2(ModelMaker& model);
void DescribeOlmo3(ModelMaker& model);
void DescribeExaone4(ModelMaker& model);
void DescribeGlm4(ModelMaker& model);
void DescribeStableLm(ModelMaker& model);
void DescribeStableLm12(ModelMaker& model);
void DescribeSeedOss(ModelMaker& model);
void DescribePhi2(ModelMaker& model);
void DescribePhi3(ModelMaker& model);
void DescribePhi3Long(ModelMaker& model);
void DescribePhi3Short(ModelMaker& model);
void DescribeStarcoder2(ModelMaker& model);
void DescribeGptNeoX(ModelMaker& model);
void DescribeGptNeoXSerial(ModelMaker& model);
void DescribeFalcon(ModelMaker& model);
void DescribeFalcon40(ModelMaker& model);
void DescribeNemotron(ModelMaker& model);
void DescribeArcee(ModelMaker& model);
void DescribeChatGlm(ModelMaker& model);
void DescribeHunyuan(ModelMaker& model);
void DescribeQwen(ModelMaker& model);
void DescribeQwen2(ModelMaker& model);
void DescribeQwen2Yarn(ModelMaker& model);
void DescribeQwen2Vl(ModelMaker& model);
void DescribeQwen3(ModelMaker& model);
void DescribeQwen3Vl(ModelMaker& model);
void DescribeGranite(ModelMaker& model);
void DescribeGraniteUnrotated(ModelMaker& model);
void DescribeMiniCpm(ModelMaker& model);
void DescribeCommandR(ModelMaker& model);
void DescribeCohere2(ModelMaker& model);
void DescribeBert(ModelMaker& model);
void DescribeNomicBert(ModelMaker& model);
void DescribeDeepseek2(ModelMaker& model);
void DescribeDeepseek2Lite(ModelMaker& model);
void DescribeGptOss(ModelMaker& model);
void DescribeMixtral(ModelMaker& model);
void DescribeQwen2Moe(ModelMaker& model);
void DescribeQwen3Moe(ModelMaker& model);
void DescribeOlmoe(ModelMaker& model);
void DescribeDeepseek(ModelMaker& model);
void DescribeBailingMoe(ModelMaker& model);
void DescribeErnieMoe(ModelMaker& model);
void DescribeDots1(ModelMaker& model);
void DescribeGlm4Moe(ModelMaker& model);
void DescribeGraniteMoe(ModelMaker& model);
void DescribePhiMoe(ModelMaker& model);

}  // namespace zell::test
