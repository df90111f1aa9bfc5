// Our engine and the oracle (llama.cpp's libraries) side by side: whole texts in, rows of logits out, and measures of
// how far they are apart. Errors end the program.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "llama.h"
#include "runtime/engine.h"

namespace zell::test {

[[noreturn]] inline void Die(const std::string& message) {
  std::fprintf(stderr, "%s\n", message.c_str());
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
  /// `context` 0: the model's own.
  Ours(const std::string& path, int threads, size_t context = 0)
      : Ours(path, {.threads = static_cast<uint32_t>(threads), .context_length = static_cast<uint32_t>(context)}) {}
  Ours(const std::string& path, const runtime::LoadOptions& options) {
    std::atomic<bool> stop{false};
    auto loaded = runtime::Engine::Load(
        path, options, [](uint64_t, uint64_t) {}, stop);
    if (!loaded.ok()) Die(loaded.status().message);
    engine_ = std::move(loaded.value());
  }
  /// Adds a LoRA adapter to everything that is evaluated from here on.
  void AddAdapter(const std::string& path, float scale) {
    auto adapter = engine_->LoadAdapter(path);
    if (!adapter.ok()) Die(adapter.status().message);
    adapters_.push_back({adapter->id, scale});
  }
  std::vector<int32_t> Tokenize(const std::string& text) const { return engine_->tokenizer().Encode(text, false); }

  Logits Evaluate(const std::vector<int32_t>& tokens) {
    Logits logits;
    runtime::Want want;
    want.logits = true;
    logits.values = Run(tokens, want).logits;
    logits.vocabulary = logits.values.size() / tokens.size();
    return logits;
  }

  /// Of an encoder: rows are the first token's output, the last one's and the mean of all.
  Logits Embed(const std::vector<int32_t>& tokens) {
    Logits rows;
    for (const runtime::Pooling pooling :
         {runtime::Pooling::kFirst, runtime::Pooling::kLast, runtime::Pooling::kMean}) {
      runtime::Want want;
      want.pooled = pooling;
      const std::vector<float> pooled = Run(tokens, want).pooled;
      rows.vocabulary = pooled.size();
      rows.values.insert(rows.values.end(), pooled.begin(), pooled.end());
    }
    return rows;
  }

 private:
  runtime::StepOutput Run(const std::vector<int32_t>& tokens, const runtime::Want& want) {
    const uint32_t sequence = engine_->CreateSequence();
    runtime::StepItem item;
    item.sequence = sequence;
    item.tokens = tokens;
    item.adapters = adapters_;
    item.want = want;
    std::mutex mutex;
    std::condition_variable ready;
    bool done = false;
    runtime::StepOutput output;
    const auto status = engine_->Step({item}, [&](auto result) {
      const std::lock_guard lock(mutex);
      if (!result.ok()) Die(result.status().message);
      if (!result.value()[0].status.ok()) Die(result.value()[0].status.message);
      output = std::move(result.value()[0]);
      done = true;
      ready.notify_one();
    });
    if (!status.ok()) Die(status.message);
    std::unique_lock lock(mutex);
    ready.wait(lock, [&] { return done; });
    engine_->FreeSequence(sequence);
    return output;
  }

  std::unique_ptr<runtime::Engine> engine_;
  std::vector<lora::AdapterUse> adapters_;
};

class Oracle {
 public:
  /// `exact`: keys and values in F32, and plain attention rather than the flash kernel, which sums in f16.
  Oracle(const std::string& path, int threads, size_t window, bool exact = false, bool encoder = false,
         ggml_type kv_type = GGML_TYPE_F16) {
    llama_model_params model_params = llama_model_default_params();
    // Repacked copies are another implementation of the same kernels; the plain ones are what the format defines.
    model_params.use_extra_bufts = false;
    model_ = llama_model_load_from_file(path.c_str(), model_params);
    if (model_ == nullptr) Die("the oracle cannot load " + path);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<uint32_t>(window);
    params.n_batch = params.n_ubatch = static_cast<uint32_t>(window);
    params.n_threads = params.n_threads_batch = threads;
    params.type_k = params.type_v = kv_type;
    if (exact) {
      params.type_k = params.type_v = GGML_TYPE_F32;
      params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    }
    if (encoder) {
      params.embeddings = true;
      params.pooling_type = LLAMA_POOLING_TYPE_NONE;
    }
    context_ = llama_init_from_model(model_, params);
    if (context_ == nullptr) Die("the oracle cannot make a context");
  }
  ~Oracle() {
    llama_free(context_);
    llama_model_free(model_);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  /// As Ours::AddAdapter. The oracle frees adapters with their model.
  void AddAdapter(const std::string& path, float scale) {
    adapters_.push_back(llama_adapter_lora_init(model_, path.c_str()));
    scales_.push_back(scale);
    if (adapters_.back() == nullptr ||
        llama_set_adapters_lora(context_, adapters_.data(), adapters_.size(), scales_.data()) != 0) {
      Die("the oracle does not take the adapter " + path);
    }
  }

  Logits Evaluate(const std::vector<int32_t>& tokens) {
    llama_memory_clear(llama_get_memory(context_), true);
    Decode(tokens);
    Logits logits;
    logits.vocabulary = static_cast<size_t>(llama_vocab_n_tokens(llama_model_get_vocab(model_)));
    const float* values = llama_get_logits(context_);
    logits.values.assign(values, values + logits.vocabulary * tokens.size());
    return logits;
  }

  /// As Ours::Embed.
  Logits Embed(const std::vector<int32_t>& tokens) {
    Decode(tokens);
    Logits rows;
    rows.vocabulary = static_cast<size_t>(llama_model_n_embd(model_));
    const float* all = llama_get_embeddings(context_);
    const float* last = all + (tokens.size() - 1) * rows.vocabulary;
    rows.values.assign(all, all + rows.vocabulary);
    rows.values.insert(rows.values.end(), last, last + rows.vocabulary);
    for (size_t i = 0; i < rows.vocabulary; ++i) {
      double sum = 0;
      for (size_t t = 0; t < tokens.size(); ++t) sum += all[t * rows.vocabulary + i];
      rows.values.push_back(static_cast<float>(sum / static_cast<double>(tokens.size())));
    }
    return rows;
  }

 private:
  void Decode(const std::vector<int32_t>& tokens) {
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
  }

  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  std::vector<llama_adapter_lora*> adapters_;
  std::vector<float> scales_;
};

/// log of the sum of exp over a row.
inline double LogSum(const float* row, size_t n) {
  float max = row[0];
  for (size_t i = 1; i < n; ++i) max = std::max(max, row[i]);
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += std::exp(double(row[i]) - max);
  return max + std::log(sum);
}

/// The same for everybody; below 256, so that any vocabulary has them.
inline std::vector<int32_t> RandomTokens(size_t count) {
  std::vector<int32_t> tokens;
  uint32_t state = 11;
  for (size_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    tokens.push_back(static_cast<int32_t>((state >> 8) % 256));
  }
  return tokens;
}

/// Largest |a - b| of a row as a part of the range of a's row. NaN counts as infinite.
inline double LargestDifference(const Logits& a, const Logits& b) {
  if (a.values.size() != b.values.size()) return INFINITY;
  double largest = 0;
  for (size_t t = 0; t < a.values.size() / a.vocabulary; ++t) {
    const float *x = a.row(t), *y = b.row(t);
    const auto [low, high] = std::minmax_element(x, x + a.vocabulary);
    const double range = double(*high) - double(*low);
    for (size_t i = 0; i < a.vocabulary; ++i) {
      const double difference = std::fabs(double(x[i]) - double(y[i])) / range;
      if (!(difference <= largest)) largest = std::isfinite(difference) ? difference : INFINITY;
    }
  }
  return largest;
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

}  // namespace zell::test
