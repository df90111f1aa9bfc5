// Token-exact against llama.cpp: its own vocabulary files and their vectors, and seeded mixed text. Skips what is not
// on the machine.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "check.h"
#include "oracle_cache.h"
#include "oracle_compare.h"

namespace fs = std::filesystem;

namespace zell::test {
namespace {

using tokenizer::Token;
using tokenizer::Tokenizer;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// The .inp/.out files beside a vocabulary: texts between separator lines, token ids line by line.
void CheckVectors(const Tokenizer& ours, const std::string& gguf) {
  const std::string texts = ReadFile(gguf + ".inp");
  std::istringstream lines(ReadFile(gguf + ".out"));
  const std::string separator = "\n__ggml_vocab_test__\n";
  size_t n = 0;
  for (size_t begin = 0; begin < texts.size(); ++n) {
    const size_t end = std::min(texts.find(separator, begin), texts.size());
    std::string line;
    std::getline(lines, line);
    std::istringstream ids(line);
    const std::vector<Token> expected{std::istream_iterator<Token>(ids), {}};
    CheckSame(ours, ours.Encode(texts.substr(begin, end - begin), false), expected, "vector " + std::to_string(n));
    begin = end + separator.size();
  }
  CHECK(n > 40);
}

void CompareFile(const std::string& gguf, const CompareOptions& options) {
  const auto oracle = LoadOracle(gguf);
  if (oracle == nullptr) return;
  const auto ours = LoadOurs(gguf);
  if (ours == nullptr) return;
  CompareVocabularies(*ours, *oracle);
  CompareTexts(*ours, *oracle, options);
}

/// Ill-formed UTF-8, too: not for BPE, where we keep the bytes and the oracle replaces them.
constexpr CompareOptions kAnyBytes{.invalid = true};

void CompareVocabulary(const std::string& name, const CompareOptions& options = {}) {
  const std::string models = OracleModels();
  const std::string gguf = models + "/ggml-vocab-" + name + ".gguf";
  if (models.empty() || !fs::exists(gguf)) {
    Registry::Get().skipped = true;
    std::printf("skip %s: no copy of the oracle's repository (npm install, git)\n", name.c_str());
    return;
  }
  if (fs::exists(gguf + ".out")) {
    if (const auto ours = LoadOurs(gguf)) CheckVectors(*ours, gguf);
  }
  CompareFile(gguf, options);
}

}  // namespace

TEST(Gpt2) { CompareVocabulary("gpt-2"); }
TEST(LlamaBpe) { CompareVocabulary("llama-bpe"); }
TEST(Qwen2) { CompareVocabulary("qwen2"); }
TEST(Qwen35) { CompareVocabulary("qwen35"); }
TEST(Starcoder) { CompareVocabulary("starcoder"); }
TEST(Refact) { CompareVocabulary("refact"); }
TEST(CommandR) { CompareVocabulary("command-r"); }
TEST(Mpt) { CompareVocabulary("mpt"); }
TEST(GptNeoX) { CompareVocabulary("gpt-neox"); }
TEST(Falcon) { CompareVocabulary("falcon"); }
TEST(DeepseekCoder) { CompareVocabulary("deepseek-coder"); }
TEST(DeepseekLlm) { CompareVocabulary("deepseek-llm"); }
TEST(Aquila) { CompareVocabulary("aquila"); }
TEST(Gemma4) { CompareVocabulary("gemma-4"); }
TEST(LlamaSpm) { CompareVocabulary("llama-spm", kAnyBytes); }
TEST(Phi3) { CompareVocabulary("phi-3", kAnyBytes); }
TEST(Baichuan) { CompareVocabulary("baichuan", kAnyBytes); }
TEST(BertBge) { CompareVocabulary("bert-bge", kAnyBytes); }
TEST(NomicBertMoe) { CompareVocabulary("nomic-bert-moe", kAnyBytes); }
TEST(DefaultModel) {
  const char* named = std::getenv("ZELL_TEST_MODEL");
  const fs::path model = named != nullptr ? fs::path(named) : Cache() / "models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(model)) SKIP("the default model is not in the cache (ZELL_TEST_MODEL names another place)");
  CompareFile(model.string(), {});
}

}  // namespace zell::test

ZELL_TEST_MAIN
