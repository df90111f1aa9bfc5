// Compares our engine with the oracle (llama.cpp's libraries), teacher-forced over a text; prints one line of JSON.
// zell_proof --f32 MODEL --quant MODEL --text FILE --backend LIBGGML_CPU [--tokens N] [--window N] [--threads N]
//
// f32: both engines on the model written out as F32. quant: both on the quantised file, each against the oracle's F32.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "llama.h"
#include "runtime/engine.h"

namespace {

using zell::runtime::Engine;

[[noreturn]] void Die(const std::string& message) {
  std::fprintf(stderr, "zell_proof: %s\n", message.c_str());
  std::exit(1);
}

/// Rows of logits: [tokens, vocabulary].
struct Logits {
  size_t vocabulary = 0;
  std::vector<float> values;
  const float* row(size_t i) const { return values.data() + i * vocabulary; }
};

class Ours {
 public:
  Ours(const std::string& path, int threads) {
    zell::runtime::LoadOptions options;
    options.threads = threads;
    std::atomic<bool> stop{false};
    auto loaded = Engine::Load(
        path, options, [](uint64_t, uint64_t) {}, stop);
    if (!loaded.ok()) Die(loaded.status().message);
    engine_ = std::move(loaded.value());
  }
  std::vector<int32_t> Tokenize(const std::string& text) const { return engine_->tokenizer().Encode(text, false); }

  Logits Evaluate(const std::vector<int32_t>& tokens) {
    const uint32_t sequence = engine_->CreateSequence();
    zell::runtime::StepItem item;
    item.sequence = sequence;
    item.tokens = tokens;
    item.want.logits = true;
    std::mutex mutex;
    std::condition_variable ready;
    bool done = false;
    Logits logits;
    const auto status = engine_->Step({item}, [&](auto result) {
      const std::lock_guard lock(mutex);
      if (!result.ok()) Die(result.status().message);
      if (!result.value()[0].status.ok()) Die(result.value()[0].status.message);
      logits.values = std::move(result.value()[0].logits);
      done = true;
      ready.notify_one();
    });
    if (!status.ok()) Die(status.message);
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return done; });
    logits.vocabulary = logits.values.size() / tokens.size();
    engine_->FreeSequence(sequence);
    return logits;
  }

 private:
  std::unique_ptr<Engine> engine_;
};

class Oracle {
 public:
  Oracle(const std::string& path, int threads, size_t window) {
    llama_model_params model_params = llama_model_default_params();
    // Repacked copies are another implementation of the same kernels; the plain ones are what the format defines.
    model_params.use_extra_bufts = false;
    model_ = llama_model_load_from_file(path.c_str(), model_params);
    if (model_ == nullptr) Die("the oracle cannot load " + path);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<uint32_t>(window);
    params.n_batch = params.n_ubatch = static_cast<uint32_t>(window);
    params.n_threads = params.n_threads_batch = threads;
    context_ = llama_init_from_model(model_, params);
    if (context_ == nullptr) Die("the oracle cannot make a context");
  }
  ~Oracle() {
    llama_free(context_);
    llama_model_free(model_);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  Logits Evaluate(const std::vector<int32_t>& tokens) {
    llama_memory_clear(llama_get_memory(context_), true);
    llama_batch batch = llama_batch_init(static_cast<int32_t>(tokens.size()), 0, 1);
    batch.n_tokens = static_cast<int32_t>(tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      batch.token[i] = tokens[i];
      batch.pos[i] = static_cast<llama_pos>(i);
      batch.n_seq_id[i] = 1;
      batch.seq_id[i][0] = 0;
      batch.logits[i] = 1;
    }
    if (llama_decode(context_, batch) != 0) Die("the oracle cannot decode");
    llama_batch_free(batch);
    Logits logits;
    logits.vocabulary = static_cast<size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_)));
    const float* values = llama_get_logits(context_);
    logits.values.assign(values, values + logits.vocabulary * tokens.size());
    return logits;
  }

 private:
  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
};

/// log of the sum of exp over a row.
double LogSum(const float* row, size_t n) {
  float max = row[0];
  for (size_t i = 1; i < n; ++i) max = std::max(max, row[i]);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += std::exp(double(row[i]) - max);
  return max + std::log(sum);
}

struct Comparison {
  double kl = 0;
  size_t same_best = 0;
  size_t rows = 0;

  /// Adds KL(reference ‖ other) and the agreement of arg-maxes of each row.
  void Add(const Logits& reference, const Logits& other, size_t tokens) {
    const size_t n = reference.vocabulary;
    for (size_t t = 0; t < tokens; ++t) {
      const float *p = reference.row(t), *q = other.row(t);
      const double p_sum = LogSum(p, n), q_sum = LogSum(q, n);
      double kl_row = 0;
      for (size_t i = 0; i < n; ++i) {
        const double log_p = p[i] - p_sum;
        if (log_p > -40) kl_row += std::exp(log_p) * (log_p - (q[i] - q_sum));
      }
      kl += kl_row;
      same_best += std::max_element(p, p + n) - p == std::max_element(q, q + n) - q;
      ++rows;
    }
  }
};

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
