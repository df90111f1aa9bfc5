// Finds the architecture of a file.
#include <iterator>
#include <string>

#include "model/arch/arch.h"

namespace zell::model {
namespace {

// What people try that is no such model, and what to do instead.
constexpr struct {
  const char* name;
  const char* message;
} kRefused[] = {
    {"clip",
     "this file is the vision projector (mmproj) of a model, not a language model; images are not supported. Load the "
     "model's own file instead: the one beside it without 'mmproj' in its name"},
    {"gemma3n",
     "architecture 'gemma3n' is not supported: its layers are of another kind than those of gemma3, which is"},
};

constexpr Architecture kArchitectures[] = {
    {"arcee", BuildArcee},
    {"bailingmoe", BuildBailingMoe},
    {"bert", BuildBert},
    {"chatglm", BuildChatGlm},
    {"cohere2", BuildCohere2},
    {"command-r", BuildCommandR},
    {"deepseek", BuildDeepseek},
    {"deepseek2", BuildDeepseek2},
    {"dots1", BuildDots1},
    {"ernie4_5", BuildErnie45},
    {"ernie4_5-moe", BuildErnie45Moe},
    {"exaone", BuildExaone},
    {"exaone4", BuildExaone4},
    {"falcon", BuildFalcon},
    {"gemma", BuildGemma},
    {"gemma2", BuildGemma2},
    {"gemma3", BuildGemma3},
    {"gemma4", BuildGemma4},
    {"glm4", BuildGlm4},
    {"glm4moe", BuildGlm4Moe},
    {"gptneox", BuildGptNeoX},
    {"gpt-oss", BuildGptOss},
    {"granite", BuildGranite},
    {"granitemoe", BuildGraniteMoe},
    {"hunyuan-dense", BuildHunyuanDense},
    {"internlm2", BuildInternLm2},
    {"llama", BuildLlama},
    {"minicpm", BuildMiniCpm},
    {"mistral3", BuildMistral3},
    {"nemotron", BuildNemotron},
    {"nomic-bert", BuildNomicBert},
    {"olmo2", BuildOlmo2},
    {"olmoe", BuildOlmoe},
    {"phi2", BuildPhi2},
    {"phi3", BuildPhi3},
    {"phimoe", BuildPhiMoe},
    {"qwen", BuildQwen},
    {"qwen2", BuildQwen2},
    {"qwen2moe", BuildQwen2Moe},
    {"qwen2vl", BuildQwen2Vl},
    {"qwen3", BuildQwen3},
    {"qwen3moe", BuildQwen3Moe},
    {"qwen3vl", BuildQwen3Vl},
    {"seed_oss", BuildSeedOss},
    {"smollm3", BuildSmolLm3},
    {"stablelm", BuildStableLm},
    {"starcoder2", BuildStarcoder2},
};

}  // namespace

std::span<const Architecture> KnownArchitectures() { return kArchitectures; }

base::Result<backend::Plan> BuildPlan(const gguf::File& file, const BuildOptions& options) {
  const std::optional<std::string_view> name = file.Str("general.architecture");
  if (!name) return base::Status{base::StatusCode::kBadModelFile, "general.architecture is missing"};
  if (file.Str("general.type") == "adapter") {
    return base::Status{base::StatusCode::kUnsupportedModel,
                        "this file is an adapter, not a model; load the model it was made for, then the adapter"};
  }
  for (const auto& refused : kRefused) {
    if (*name == refused.name) return base::Status{base::StatusCode::kUnsupportedModel, refused.message};
  }
  // Scales beside a matrix (NVFP4 and ternary files have them): without them every product would be wrong.
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (!tensor.name.ends_with(".scale") && !tensor.name.ends_with(".input_scale")) continue;
    return base::Status{base::StatusCode::kUnsupportedModel,
                        "tensor " + tensor.name + " scales a whole matrix, which is not supported yet"};
  }
  for (const Architecture& architecture : kArchitectures) {
    if (*name != architecture.name) continue;
    base::Result<backend::Plan> plan = architecture.build(file, options);
    if (!plan.ok()) return plan;
    if (std::string error = backend::FindPlanError(*plan); !error.empty()) {
      return base::Status{base::StatusCode::kBadModelFile, error};
    }
    return plan;
  }
  // All their names would not be a sentence any more.
  return base::Status{base::StatusCode::kUnsupportedModel,
                      "architecture '" + std::string(*name).substr(0, 64) + "' is not one of the " +
                          std::to_string(std::size(kArchitectures)) +
                          " that are supported yet; Zell's README says where they are listed"};
}

}  // namespace zell::model
