// Rows: name, architecture, what describes it, sizes that differ from the usual ones.
#include "models/models.h"

namespace zell::test {
namespace {

constexpr RandomModel kModels[] = {
    {"llama", "llama", DescribeLlama, {.tied = 0}},
    {"llama-biases", "llama", DescribeLlamaBiases},
    {"llama-linear", "llama", DescribeLlamaLinear, {.layers = 1}, Compared::kF32Only},
    {"llama-factors", "llama", DescribeLlamaFactors, {.layers = 1}, Compared::kF32Only},
    {"llama-yarn", "llama", DescribeLlamaYarn, {.layers = 1, .head_dim = 128}, Compared::kF32Only},
    {"mistral3", "mistral3", DescribeMistral3, {.layers = 1}},
    {"qwen2", "qwen2", DescribeQwen2},
    {"qwen2-yarn", "qwen2", DescribeQwen2Yarn, {.layers = 1}, Compared::kF32Only},
    {"qwen2vl", "qwen2vl", DescribeQwen2Vl, {.layers = 1}, Compared::kF32Only},
    {"qwen3", "qwen3", DescribeQwen3, {.head_dim = 128}},
    {"qwen3vl", "qwen3vl", DescribeQwen3Vl, {.layers = 1, .head_dim = 128}, Compared::kF32Only},
    {"gemma", "gemma", DescribeGemma, {.kv_heads = 1}},
    {"gemma2", "gemma2", DescribeGemma2, {.head_dim = 128}},
    {"gemma3", "gemma3", DescribeGemma3, {.layers = 6, .ffn = 256}},
    {"gemma4", "gemma4", DescribeGemma4, {.layers = 3, .ffn = 256}},
    {"gemma4-small", "gemma4", DescribeGemma4Small, {.layers = 6, .ffn = 256}},
    {"phi2", "phi2", DescribePhi2, {.kv_heads = 4, .tied = 0}},
    {"phi3", "phi3", DescribePhi3, {.tied = 0}},
    {"phi3-long", "phi3", DescribePhi3Long, {.layers = 1}, Compared::kF32Only},
    {"phi3-short", "phi3", DescribePhi3Short, {.layers = 1}, Compared::kF32Only},
    {"starcoder2", "starcoder2", DescribeStarcoder2},
    {"granite", "granite", DescribeGranite, {.tied = 0}},
    {"granite-unrotated", "granite", DescribeGraniteUnrotated, {.layers = 1, .tied = 0}, Compared::kF32Only},
    {"minicpm", "minicpm", DescribeMiniCpm, {.tied = 0}},
    {"olmo2", "olmo2", DescribeOlmo2, {.kv_heads = 4, .tied = 0}},
    {"olmo3", "olmo2", DescribeOlmo3, {.layers = 4, .ffn = 256, .tied = 0}},
    {"glm4", "glm4", DescribeGlm4, {.tied = 0}},
    {"chatglm", "chatglm", DescribeChatGlm, {.layers = 1, .tied = 0}, Compared::kF32Only},
    {"hunyuan-dense", "hunyuan-dense", DescribeHunyuan, {.layers = 1}, Compared::kF32Only},
    {"qwen", "qwen", DescribeQwen, {.layers = 1, .kv_heads = 4, .tied = 0}, Compared::kF32Only},
    {"command-r", "command-r", DescribeCommandR},
    {"cohere2", "cohere2", DescribeCohere2, {.layers = 4, .ffn = 256}},
    {"smollm3", "smollm3", DescribeLlama, {.layers = 4, .ffn = 256}},
    {"exaone", "exaone", DescribeLlama, {.layers = 1}, Compared::kF32Only},
    {"exaone4", "exaone4", DescribeExaone4},
    {"stablelm", "stablelm", DescribeStableLm, {.tied = 0}},
    {"stablelm-12b", "stablelm", DescribeStableLm12, {.tied = 0}},
    {"internlm2", "internlm2", DescribeLlama, {.layers = 1, .tied = 0}, Compared::kF32Only},
    {"seed_oss", "seed_oss", DescribeSeedOss, {.layers = 1, .head_dim = 128}, Compared::kF32Only},
    {"ernie4_5", "ernie4_5", DescribeLlama, {.layers = 1}, Compared::kF32Only},
    {"arcee", "arcee", DescribeArcee},
    {"nemotron", "nemotron", DescribeNemotron, {.tied = 0}},
    {"gptneox", "gptneox", DescribeGptNeoX, {.kv_heads = 4, .tied = 0}},
    {"gptneox-serial", "gptneox", DescribeGptNeoXSerial, {.layers = 1, .kv_heads = 4, .tied = 0}, Compared::kF32Only},
    {"falcon", "falcon", DescribeFalcon, {.kv_heads = 1}},
    {"falcon-40b", "falcon", DescribeFalcon40},
    {.name = "bert", .arch = "bert", .describe = DescribeBert, .shape = {.kv_heads = 4}, .encoder = true},
    {.name = "nomic-bert",
     .arch = "nomic-bert",
     .describe = DescribeNomicBert,
     .shape = {.kv_heads = 4},
     .encoder = true},
    {"gpt-oss", "gpt-oss", DescribeGptOss, {.experts_used = 4, .tied = 0}},
    {"deepseek2", "deepseek2", DescribeDeepseek2, {.experts = 16, .experts_used = 4}},
    {"deepseek2-lite", "deepseek2", DescribeDeepseek2Lite, {.experts = 8, .experts_used = 3}, Compared::kF32Only},
    {"mixtral", "llama", DescribeMixtral, {.ffn = 512, .expert_ffn = 512}},
    {"qwen2moe", "qwen2moe", DescribeQwen2Moe, {.tied = 0}},
    {"qwen3moe", "qwen3moe", DescribeQwen3Moe, {.head_dim = 128, .experts = 16, .experts_used = 4}},
    {"olmoe", "olmoe", DescribeOlmoe, {.kv_heads = 4, .ffn = 256, .experts = 16, .experts_used = 4, .tied = 0}},
    {"deepseek", "deepseek", DescribeDeepseek},
    {"bailingmoe", "bailingmoe", DescribeBailingMoe, {.tied = 0}},
    {"ernie4_5-moe", "ernie4_5-moe", DescribeErnieMoe, {.layers = 3}},
    {"dots1", "dots1", DescribeDots1, {.layers = 3, .kv_heads = 4, .tied = 0}},
    {"glm4moe", "glm4moe", DescribeGlm4Moe, {.layers = 3}},
    {"granitemoe", "granitemoe", DescribeGraniteMoe, {.ffn = 256}},
    {"phimoe", "phimoe", DescribePhiMoe, {.layers = 1, .ffn = 256, .tied = 0}},
};

}  // namespace

std::span<const RandomModel> RandomModels() { return kModels; }

const RandomModel* FindRandomModel(std::string_view name) {
  for (const RandomModel& model : kModels) {
    if (name == model.name) return &model;
  }
  return nullptr;
}

}  // namespace zell::test
