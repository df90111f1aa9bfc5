// Drives another engine (llama.cpp, or a fork with its older interface) for `npm run bench -- engine --peers`: one
// command per line on stdin, one JSON line on stdout for each. The suite compiles it against that engine's own headers;
// nothing of the product is in it. ZELL_PEER_IK selects the fork's interface, ZELL_PEER_DISPATCH run-time back ends.
//
//   load THREADS CONTEXT SEQUENCES f16|q8_0|q4_0 MODEL   CONTEXT per sequence, 0: the model's own
//   plain                        from now on, models are loaded with their weights as they lie in the mapped file
//   text FILE                    what is evaluated from now on: the file's tokens, repeated
//   prefill N                    N tokens on an empty context, logits of the last one
//   decode N DEPTH SEQUENCES     N steps of one token for each sequence, after DEPTH tokens (kept between calls)
//   first N                      N tokens and the likeliest one after them
//   greedy N ID ID …             evaluates the ids, then N steps with the likeliest token each
//   quit
// Answers: {"ms": of the work alone} or {"error": "…"}.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "llama.h"
#if defined(ZELL_PEER_DISPATCH)
#include "ggml-backend.h"
#endif

namespace {

constexpr int kBatch = 2048;
constexpr int kMicroBatch = 512;
/// Of a sequence that holds a prompt that was measured, not a depth.
constexpr int kOther = -1;

double Now() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A path: it may have spaces in it.
std::string Rest(std::istringstream& args) {
  std::string rest;
  std::getline(args >> std::ws, rest);
  return rest;
}

class Runner {
 public:
  ~Runner() {
    if (batch_.token != nullptr) llama_batch_free(batch_);
    if (context_ != nullptr) llama_free(context_);
  }

  bool Load(std::istringstream& args) {
    std::string kv;
    int threads = 1, length = 0, sequences = 1;
    args >> threads >> length >> sequences >> kv;
    const std::string file = Rest(args);
    llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers = 0;
#if !defined(ZELL_PEER_IK)
    if (plain_) model_params.use_extra_bufts = false;
#endif
    model_ = llama_model_load_from_file(file.c_str(), model_params);
    if (model_ == nullptr) return Fail("the model was not loaded");
    llama_context_params params = llama_context_default_params();
    params.n_ctx = static_cast<uint32_t>(length) * static_cast<uint32_t>(sequences);
    params.n_batch = kBatch;
    params.n_ubatch = kMicroBatch;
    params.n_seq_max = static_cast<uint32_t>(sequences);
    params.n_threads = threads;
    params.n_threads_batch = threads;
    params.type_k = params.type_v = kv == "q8_0" ? GGML_TYPE_Q8_0 : kv == "q4_0" ? GGML_TYPE_Q4_0 : GGML_TYPE_F16;
#if defined(ZELL_PEER_IK)
    params.flash_attn = true;
#else
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_ENABLED;
#endif
    context_ = llama_init_from_model(model_, params);
    if (context_ == nullptr) return Fail("the context was not made");
    batch_ = llama_batch_init(kBatch, 0, 1);
    filled_.assign(static_cast<size_t>(sequences), 0);
    return true;
  }

  bool Text(std::istringstream& args) {
    const std::string file = Rest(args);
    std::ifstream in(file, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    text_.resize(text.size() + 8);
    const auto length = static_cast<int32_t>(text.size());
    const auto room = static_cast<int32_t>(text_.size());
#if defined(ZELL_PEER_IK)
    const int n = llama_tokenize(model_, text.data(), length, text_.data(), room, false, false);
#else
    const int n = llama_tokenize(llama_model_get_vocab(model_), text.data(), length, text_.data(), room, false, false);
#endif
    if (n <= 0) return Fail("the text was not tokenized");
    text_.resize(static_cast<size_t>(n));
    return true;
  }

  bool Prefill(std::istringstream& args) {
    int n = 0;
    args >> n;
    Clear();
    filled_[0] = kOther;
    return Evaluate(0, 0, n);
  }

  bool First(std::istringstream& args) {
    int n = 0;
    args >> n;
    Clear();
    filled_[0] = kOther;
    return Evaluate(0, 0, n) && Likeliest() >= 0;
  }

  /// Only the steps after the prompt are timed, from `start` on.
  bool Greedy(std::istringstream& args, double& start) {
    int n = 0;
    args >> n;
    text_.clear();
    for (llama_token id; args >> id;) text_.push_back(id);
    if (text_.empty()) return Fail("no prompt");
    Clear();
    filled_[0] = kOther;
    const int prompt = static_cast<int>(text_.size());
    if (!Evaluate(0, 0, prompt)) return false;
    start = Now();
    for (int i = 0; i < n; ++i) {
      const llama_token next = Likeliest();
      if (next < 0) return false;
      text_.push_back(next);
      if (!Evaluate(0, prompt + i, 1)) return false;
    }
    return true;
  }

  void Plain() { plain_ = true; }

  /// Not part of what is timed.
  bool Fill(int depth, int sequences) {
    if (static_cast<size_t>(sequences) > filled_.size()) return Fail("too many sequences");
    for (int s = 0; s < static_cast<int>(filled_.size()); ++s) {
      int& filled = filled_[static_cast<size_t>(s)];
      if (s < sequences && filled == depth) continue;
      Remove(s, 0);
      filled = 0;
      if (s >= sequences) continue;
      if (!Evaluate(s, 0, depth)) return false;
      filled = depth;
    }
    return true;
  }

  bool Decode(int n, int depth, int sequences) {
    for (int i = 0; i < n; ++i) {
      batch_.n_tokens = 0;
      for (int s = 0; s < sequences; ++s) Push(s, depth + i, true);
      if (llama_decode(context_, batch_) != 0) return Fail("a step failed");
    }
    return true;
  }

  void Rewind(int depth, int sequences) {
    for (int s = 0; s < sequences; ++s) Remove(s, depth);
  }

  const std::string& error() const { return error_; }

 private:
  /// After the last token that was evaluated; negative when it failed.
  llama_token Likeliest() {
    const float* logits = llama_get_logits_ith(context_, -1);
    if (logits == nullptr) {
      Fail("no logits");
      return -1;
    }
#if defined(ZELL_PEER_IK)
    const int vocabulary = llama_n_vocab(model_);
#else
    const int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model_));
#endif
    return static_cast<llama_token>(std::max_element(logits, logits + vocabulary) - logits);
  }

  bool Fail(const char* what) {
    error_ = what;
    return false;
  }

  void Clear() {
    for (size_t s = 0; s < filled_.size(); ++s) {
      Remove(static_cast<int>(s), 0);
      filled_[s] = 0;
    }
  }

  void Remove(int sequence, int from) {
#if defined(ZELL_PEER_IK)
    llama_kv_cache_seq_rm(context_, sequence, from, -1);
#else
    llama_memory_seq_rm(llama_get_memory(context_), sequence, from, -1);
#endif
  }

  /// The token at a place of a sequence's text; each sequence starts elsewhere in it.
  void Push(int sequence, int position, bool logits) {
    const int at = batch_.n_tokens++;
    const size_t where = static_cast<size_t>(sequence) * 997 + static_cast<size_t>(position);
    batch_.token[at] = text_[where % text_.size()];
    batch_.pos[at] = position;
    batch_.n_seq_id[at] = 1;
    batch_.seq_id[at][0] = sequence;
    batch_.logits[at] = logits ? 1 : 0;
  }

  bool Evaluate(int sequence, int from, int n) {
    for (int at = from; at < from + n; at += kBatch) {
      batch_.n_tokens = 0;
      const int end = std::min(from + n, at + kBatch);
      for (int i = at; i < end; ++i) Push(sequence, i, i + 1 == from + n);
      if (llama_decode(context_, batch_) != 0) return Fail("a step failed");
    }
    return true;
  }

  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
  llama_batch batch_ = {};
  std::vector<llama_token> text_ = {1};
  std::vector<int> filled_;
  bool plain_ = false;
  std::string error_;
};

void Quiet(ggml_log_level, const char*, void*) {}

bool Do(Runner& runner, const std::string& command, std::istringstream& args, double& start) {
  if (command == "load") return runner.Load(args);
  if (command == "text") return runner.Text(args);
  if (command == "prefill") return runner.Prefill(args);
  if (command == "first") return runner.First(args);
  if (command == "greedy") return runner.Greedy(args, start);
  if (command == "plain") {
    runner.Plain();
    return true;
  }
  int n = 0, depth = 0, sequences = 1;
  args >> n >> depth >> sequences;
  if (!runner.Fill(depth, sequences)) return false;
  start = Now();
  return runner.Decode(n, depth, sequences);
}

}  // namespace

int main(int argc, char** argv) {
#if defined(ZELL_PEER_DISPATCH)
  if (argc > 1 && ggml_backend_load(argv[1]) == nullptr) {
    std::puts("{\"error\": \"the back end was not loaded\"}");
    return 1;
  }
#else
  static_cast<void>(argc);
  static_cast<void>(argv);
#endif
  llama_log_set(Quiet, nullptr);
  llama_backend_init();
  Runner runner;
  std::puts("{\"ms\": 0}");
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    std::istringstream args(line);
    std::string command;
    args >> command;
    double start = Now();
    const bool ok = Do(runner, command, args, start);
    const double ms = Now() - start;
    if (ok) {
      std::printf("{\"ms\": %.4f}\n", ms);
    } else {
      std::printf("{\"error\": \"%s\"}\n", runner.error().c_str());
    }
    std::fflush(stdout);
    if (command == "decode") {
      std::istringstream again(line);
      int n = 0, depth = 0, sequences = 1;
      again >> command >> n >> depth >> sequences;
      runner.Rewind(depth, sequences);
    }
  }
  return 0;
}
