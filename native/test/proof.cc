// Compares our engine with the oracle (llama.cpp's libraries), teacher-forced over a text; prints one line of JSON.
// zell_proof --f32 MODEL --quant MODEL --text FILE --backend LIBGGML_CPU [--tokens N] [--window N] [--threads N]
//            [--adapter1 FILE --scale1 X] [--adapter2 FILE --scale2 X]
//
// f32: both engines on the model written out as F32. quant: both on the quantised file, each against the oracle's F32.
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "both_engines.h"

namespace {

using zell::test::Comparison;
using zell::test::Die;
using zell::test::Logits;
using zell::test::LogSum;
using zell::test::Oracle;
using zell::test::Ours;

/// Sum of -log p of each next token.
double Surprise(const Logits& logits, const std::vector<int32_t>& tokens) {
  double sum = 0;
  for (size_t t = 0; t + 1 < tokens.size(); ++t)
    sum += LogSum(logits.row(t), logits.vocabulary) - logits.row(t)[tokens[t + 1]];
  return sum;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options{{"--tokens", "4096"}, {"--window", "512"}, {"--threads", "2"}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  for (const char* name : {"--f32", "--quant", "--text", "--backend"})
    if (!options.contains(name)) Die(std::string(name) + " is missing");
  const size_t wanted = std::stoul(options["--tokens"]), window = std::stoul(options["--window"]);
  const int threads = std::stoi(options["--threads"]);

  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  if (ggml_backend_load(options["--backend"].c_str()) == nullptr) Die("cannot load " + options["--backend"]);

  std::ifstream file(options["--text"], std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();

  Comparison f32, ours_quant, oracle_quant, between;
  double ours_surprise = 0, oracle_surprise = 0;
  size_t surprises = 0, used = 0;
  {
    Ours ours_f32(options["--f32"], threads), ours(options["--quant"], threads);
    Oracle oracle_f32(options["--f32"], threads, window), oracle(options["--quant"], threads, window);
    for (const std::string n : {"1", "2"}) {
      if (!options.contains("--adapter" + n)) continue;
      const std::string path = options["--adapter" + n];
      const float scale = std::stof(options["--scale" + n]);
      ours_f32.AddAdapter(path, scale), ours.AddAdapter(path, scale);
      oracle_f32.AddAdapter(path, scale), oracle.AddAdapter(path, scale);
    }
    const std::vector<int32_t> tokens = ours.Tokenize(text.str());
    if (tokens.size() < wanted) Die("the text has only " + std::to_string(tokens.size()) + " tokens");
    for (; used + window <= wanted; used += window) {
      const std::vector<int32_t> part(tokens.begin() + long(used), tokens.begin() + long(used + window));
      const Logits reference = oracle_f32.Evaluate(part);
      f32.Add(reference, ours_f32.Evaluate(part), window);
      const Logits ours_logits = ours.Evaluate(part), oracle_logits = oracle.Evaluate(part);
      ours_quant.Add(reference, ours_logits, window);
      oracle_quant.Add(reference, oracle_logits, window);
      between.Add(oracle_logits, ours_logits, window);
      ours_surprise += Surprise(ours_logits, part);
      oracle_surprise += Surprise(oracle_logits, part);
      surprises += window - 1;
    }
  }
  const double n = static_cast<double>(f32.rows);
  std::printf(
      "{\"tokens\":%zu,\"f32\":{\"sameBest\":%.6f,\"meanKl\":%.9g},"
      "\"quant\":{\"meanKlOurs\":%.9g,\"meanKlOracle\":%.9g,\"sameBestAsOracle\":%.6f,"
      "\"perplexityOurs\":%.6f,\"perplexityOracle\":%.6f}}\n",
      used, double(f32.same_best) / n, f32.kl / n, ours_quant.kl / n, oracle_quant.kl / n,
      double(between.same_best) / n, std::exp(ours_surprise / double(surprises)),
      std::exp(oracle_surprise / double(surprises)));
  return 0;
}
