// One F32 model with a LoRA adapter in our engine and in the oracle, teacher-forced; prints one line of JSON.
// zell_adapter_proof --backend LIBGGML_CPU --model MODEL --adapter FILE [--again FILE] [--logits FILE]
//
// Each number is the largest difference of a logit as a part of the logits' range, over all positions: `changed` by the
// adapter, `oracle` from ours, `again` with another file of the same adapter. `--logits`: our logits as a file for
// others, i32 tokens and vocabulary, the tokens, and a row of f32 for each.
#include <cstdio>
#include <fstream>
#include <map>

#include "both_engines.h"

namespace {

using zell::test::Die;
using zell::test::LargestDifference;
using zell::test::Logits;

constexpr size_t kTokens = 96;
constexpr size_t kWindow = 128;
constexpr int kThreads = 2;

void Write(const std::string& path, const std::vector<int32_t>& tokens, const Logits& logits) {
  std::ofstream file(path, std::ios::binary);
  const auto put = [&](const void* data, size_t bytes) {
    file.write(static_cast<const char*>(data), static_cast<std::streamsize>(bytes));
  };
  const int32_t sizes[] = {static_cast<int32_t>(tokens.size()), static_cast<int32_t>(logits.vocabulary)};
  put(sizes, sizeof sizes);
  put(tokens.data(), tokens.size() * sizeof tokens[0]);
  put(logits.values.data(), logits.values.size() * sizeof logits.values[0]);
  if (!file.flush()) Die("cannot write " + path);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  for (const char* name : {"--backend", "--model", "--adapter"}) {
    if (!options.contains(name)) Die(std::string(name) + " is missing");
  }
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  if (ggml_backend_load(options["--backend"].c_str()) == nullptr) Die("cannot load " + options["--backend"]);

  const std::vector<int32_t> tokens = zell::test::RandomTokens(kTokens);
  const auto ours = [&](const std::string& adapter) {
    zell::test::Ours engine(options["--model"], kThreads, kWindow);
    if (!adapter.empty()) engine.AddAdapter(adapter, 1);
    return engine.Evaluate(tokens);
  };
  zell::test::Oracle oracle(options["--model"], kThreads, kWindow, true);
  oracle.AddAdapter(options["--adapter"], 1);
  const Logits bare = ours(""), with = ours(options["--adapter"]);
  const double again = options.contains("--again") ? LargestDifference(with, ours(options["--again"])) : 0;
  std::printf("{\"changed\":%.6g,\"oracle\":%.6g,\"again\":%.6g}\n", LargestDifference(bare, with),
              LargestDifference(oracle.Evaluate(tokens), with), again);
  if (options.contains("--logits")) Write(options["--logits"], tokens, with);
  return 0;
}
