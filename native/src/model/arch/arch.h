// The architectures that Zell knows. A new one is one file here and its row in registry.cc.
#pragma once

#include <span>
#include <string_view>

#include "backend/plan.h"
#include "base/status.h"
#include "gguf/file.h"
#include "model/decoder_reader.h"

namespace zell::model {

struct Architecture {
  const char* name;  ///< general.architecture
  /// @errors kBadModelFile, kUnsupportedModel: what is missing or out of range, by name.
  base::Result<backend::Plan> (*build)(const gguf::File& file, const BuildOptions& options);
};

base::Result<backend::Plan> BuildArcee(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildBert(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildBailingMoe(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildCohere2(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildCommandR(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildDeepseek(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildDots1(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildErnie45(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildErnie45Moe(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGptOss(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildDeepseek2(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildExaone(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildExaone4(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildFalcon(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGemma(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGemma2(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGemma3(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGemma4(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGlm4(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGlm4Moe(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGptNeoX(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGranite(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildGraniteMoe(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildInternLm2(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildChatGlm(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildHunyuanDense(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildQwen(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildLlama(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildMiniCpm(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildMistral3(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildNemotron(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildNomicBert(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildOlmo2(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildOlmoe(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildPhi2(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildPhi3(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildPhiMoe(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildQwen2(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildQwen2Moe(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildQwen2Vl(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildQwen3(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildQwen3Moe(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildQwen3Vl(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildSeedOss(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildSmolLm3(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildStableLm(const gguf::File& file, const BuildOptions& options);
base::Result<backend::Plan> BuildStarcoder2(const gguf::File& file, const BuildOptions& options);

std::span<const Architecture> KnownArchitectures();

/// The plan of a file, as the architecture emits it (without fusions). Its weights point into the file's mapping.
/// @errors kBadModelFile; kUnsupportedModel names an unknown architecture.
base::Result<backend::Plan> BuildPlan(const gguf::File& file, const BuildOptions& options = {});

}  // namespace zell::model
