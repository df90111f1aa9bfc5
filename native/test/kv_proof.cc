// What keys and values in fewer bits cost: perplexity over a text, and the divergence of next-token probabilities from
// those with f16, for our engine and for the oracle (llama.cpp's libraries), each against itself. One line of JSON for
// each type.
// zell_kv_proof --model MODEL --text FILE [--backend LIBGGML_CPU] [--tokens N] [--window N] [--threads N]
//
// Each window is a text by itself. --backend: also the oracle.
#include <cstdio>
#include <fstream>
#include <map>
#include <numeric>
#include <optional>
#include <sstream>

#include "both_engines.h"
#include "kernels/kernels.h"

namespace {

using zell::backend::KvType;
using zell::test::Die;
using zell::test::Logits;
using zell::test::Oracle;
using zell::test::Ours;

/// Rows of logits with what both measures need of them: e^(logit - max) in f32, by the engine's own vector kernel,
/// because exp of every logit in double takes longer than the model.
struct Rows {
  explicit Rows(Logits of) : logits(std::move(of)), powers(logits.values) {
    const size_t n = logits.vocabulary;
    for (size_t t = 0; t < powers.size() / n; ++t) {
      const float max = *std::max_element(logits.row(t), logits.row(t) + n);
      zell::kernels::ActiveKernels().exp_sum(&powers[t * n], max, n);
      const double sum = std::accumulate(&powers[t * n], &powers[t * n] + n, 0.0);
      log_sums.push_back(max + std::log(sum));
      for (size_t i = t * n; i < (t + 1) * n; ++i) powers[i] = static_cast<float>(powers[i] / sum);
    }
  }
  double LogProbability(size_t t, int32_t token) const { return logits.row(t)[token] - log_sums[t]; }

  Logits logits;
  std::vector<float> powers;  ///< probabilities
  std::vector<double> log_sums;
};

/// Sum of KL(reference | other) over the rows.
double Divergence(const Rows& reference, const Rows& other) {
  double sum = 0;
  const size_t n = reference.logits.vocabulary;
  for (size_t t = 0; t < reference.log_sums.size(); ++t) {
    const float *a = reference.logits.row(t), *b = other.logits.row(t), *p = &reference.powers[t * n];
    double difference = 0;
    for (size_t i = 0; i < n; ++i) difference += double(p[i]) * (double(a[i]) - b[i]);
    sum += difference - (reference.log_sums[t] - other.log_sums[t]);
  }
  return sum;
}

size_t SameBest(const Rows& a, const Rows& b) {
  size_t same = 0;
  const size_t n = a.logits.vocabulary;
  for (size_t t = 0; t < a.log_sums.size(); ++t) {
    const float *x = a.logits.row(t), *y = b.logits.row(t);
    same += std::max_element(x, x + n) - x == std::max_element(y, y + n) - y;
  }
  return same;
}

/// One way to keep keys and values, in one of the engines.
struct Contestant {
  std::string name;
  std::unique_ptr<Ours> ours;
  std::unique_ptr<Oracle> oracle;
  double surprise = 0;    ///< sum of -log p of each next token
  double divergence = 0;  ///< from the first of its engine
  size_t same_best = 0;

  Logits Evaluate(const std::vector<int32_t>& tokens) {
    return ours != nullptr ? ours->Evaluate(tokens) : oracle->Evaluate(tokens);
  }
};

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options{{"--tokens", "8192"}, {"--window", "1024"}, {"--threads", "2"}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  for (const char* name : {"--model", "--text"})
    if (!options.contains(name)) Die(std::string(name) + " is missing");
  const size_t wanted = std::stoul(options["--tokens"]), window = std::stoul(options["--window"]);
  const int threads = std::stoi(options["--threads"]);
  const std::string model = options["--model"];
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  std::ifstream stream(options["--text"], std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();

  // Engines of one kind follow each other; the first of each is what the others are compared with.
  std::vector<Contestant> all;
  const auto add = [&](const char* name, KvType type, bool rotation) {
    const zell::runtime::LoadOptions load{.threads = static_cast<uint32_t>(threads),
                                          .context_length = static_cast<uint32_t>(window),
                                          .max_sequences = 1,
                                          .kv_type = type,
                                          .kv_rotation = rotation};
    all.push_back({name, std::make_unique<Ours>(model, load), nullptr});
  };
  add("f16", KvType::kF16, true);
  add("q8_0", KvType::kQ8_0, true);
  add("q8_0 without rotation", KvType::kQ8_0, false);
  add("q8q4", KvType::kQ8Q4, true);
  add("q4_0", KvType::kQ4_0, true);
  add("q4_0 without rotation", KvType::kQ4_0, false);
  if (options.contains("--backend")) {
    if (ggml_backend_load(options["--backend"].c_str()) == nullptr) Die("cannot load " + options["--backend"]);
    const std::pair<const char*, ggml_type> types[] = {
        {"oracle f16", GGML_TYPE_F16}, {"oracle q8_0", GGML_TYPE_Q8_0}, {"oracle q4_0", GGML_TYPE_Q4_0}};
    for (const auto& [name, type] : types) {
      all.push_back({name, nullptr, std::make_unique<Oracle>(model, threads, window, false, false, type)});
    }
  }

  const std::vector<int32_t> tokens = all[0].ours->Tokenize(text.str());
  if (tokens.size() < wanted) Die("the text has only " + std::to_string(tokens.size()) + " tokens");
  size_t surprises = 0;
  for (size_t at = 0; at + window <= wanted; at += window) {
    const std::vector<int32_t> part(tokens.begin() + long(at), tokens.begin() + long(at + window));
    std::optional<Rows> reference;
    for (Contestant& c : all) {
      Rows rows(c.Evaluate(part));
      for (size_t t = 0; t + 1 < window; ++t) c.surprise -= rows.LogProbability(t, part[t + 1]);
      if (c.name.ends_with("f16")) {
        reference.emplace(std::move(rows));
      } else {
        c.divergence += Divergence(*reference, rows);
        c.same_best += SameBest(*reference, rows);
      }
    }
    surprises += window - 1;
  }
  double base = 0;
  for (const Contestant& c : all) {
    const double perplexity = std::exp(c.surprise / static_cast<double>(surprises));
    if (c.name.ends_with("f16")) base = perplexity;
    const double rows = static_cast<double>(wanted / window * window);
    std::printf("{\"name\":\"%s\",\"perplexity\":%.6g,\"cost\":%.6g,\"kl\":%.6g,\"sameBest\":%.4f}\n", c.name.c_str(),
                perplexity, perplexity / base - 1, c.divergence / rows, static_cast<double>(c.same_best) / rows);
  }
  return 0;
}
