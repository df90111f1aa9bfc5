// Compares an importance matrix of ours with what the oracle (llama.cpp's libraries) multiplies its matrices with on
// the same text; prints one line of JSON. zell_importance_proof --model MODEL --text FILE --importance FILE --backend
// LIBGGML_CPU [--chunk N] [--threads N]
//
// The text is cut as `zell imatrix` cuts it. For each tensor: the sum of differences of mean squares as a part of their
// sum; experts (mul_mat_id) are compared by the number of tokens that they got as well.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "both_engines.h"
#include "gguf/file.h"
#include "runtime/importance.h"

namespace {

using zell::test::Die;

struct Sums {
  size_t columns = 0;
  std::vector<double> squares;
  std::vector<uint64_t> counts;
};

/// The oracle asks of every op whether to stop for it, then shows it computed.
bool Collect(ggml_tensor* op, bool ask, void* user) {
  const bool experts = op->op == GGML_OP_MUL_MAT_ID;
  const std::string name = op->src[0] == nullptr ? "" : op->src[0]->name;
  const bool wanted = (experts || op->op == GGML_OP_MUL_MAT) && name.rfind("blk.", 0) == 0;
  if (ask) return wanted;
  if (!wanted) return true;
  const ggml_tensor* x = op->src[1];
  const auto matrices = static_cast<size_t>(op->src[0]->ne[2]), columns = static_cast<size_t>(x->ne[0]);
  Sums& sums = (*static_cast<std::map<std::string, Sums>*>(user))[name];
  if (sums.columns == 0) sums = {columns, std::vector<double>(columns * matrices), std::vector<uint64_t>(matrices)};
  const auto add = [&](size_t matrix, int64_t i1, int64_t i2) {
    const auto* row = reinterpret_cast<const float*>(
        static_cast<const char*>(x->data) + static_cast<size_t>(i1) * x->nb[1] + static_cast<size_t>(i2) * x->nb[2]);
    for (size_t i = 0; i < columns; ++i) sums.squares[matrix * columns + i] += double{row[i]} * row[i];
    ++sums.counts[matrix];
  };
  if (!experts) {
    for (int64_t i2 = 0; i2 < x->ne[2]; ++i2) {
      for (int64_t i1 = 0; i1 < x->ne[1]; ++i1) add(static_cast<size_t>(i2) % matrices, i1, i2);
    }
    return true;
  }
  const ggml_tensor* ids = op->src[2];
  for (int64_t token = 0; token < ids->ne[1]; ++token) {
    for (int64_t rank = 0; rank < ids->ne[0]; ++rank) {
      const auto* id = reinterpret_cast<const int32_t*>(static_cast<const char*>(ids->data) +
                                                        static_cast<size_t>(token) * ids->nb[1] +
                                                        static_cast<size_t>(rank) * ids->nb[0]);
      add(static_cast<size_t>(*id), rank % x->ne[1], token);
    }
  }
  return true;
}

std::map<std::string, Sums> Measure(const std::string& path, const std::vector<int32_t>& tokens, size_t chunk,
                                    int threads) {
  std::map<std::string, Sums> sums;
  llama_model_params model_params = llama_model_default_params();
  model_params.use_extra_bufts = false;
  llama_model* const model = llama_model_load_from_file(path.c_str(), model_params);
  if (model == nullptr) Die("the oracle cannot load " + path);
  llama_context_params params = llama_context_default_params();
  params.n_ctx = params.n_batch = params.n_ubatch = static_cast<uint32_t>(chunk);
  params.n_threads = params.n_threads_batch = threads;
  params.cb_eval = Collect;
  params.cb_eval_user_data = &sums;
  llama_context* const context = llama_init_from_model(model, params);
  if (context == nullptr) Die("the oracle cannot make a context");
  const llama_vocab* vocabulary = llama_model_get_vocab(model);
  for (size_t at = 0; at < tokens.size(); at += chunk) {
    std::vector<int32_t> part(tokens.begin() + long(at), tokens.begin() + long(std::min(tokens.size(), at + chunk)));
    if (llama_vocab_get_add_bos(vocabulary)) part[0] = llama_vocab_bos(vocabulary);
    llama_memory_clear(llama_get_memory(context), true);
    llama_batch batch = llama_batch_init(static_cast<int32_t>(part.size()), 0, 1);
    for (size_t t = 0; t < part.size(); ++t) {
      batch.token[t] = part[t];
      batch.pos[t] = static_cast<int32_t>(t);
      batch.n_seq_id[t] = 1;
      batch.seq_id[t][0] = 0;
      batch.logits[t] = true;  // else the last layer computes the last token alone
    }
    batch.n_tokens = static_cast<int32_t>(part.size());
    if (llama_decode(context, batch) != 0) Die("the oracle cannot decode");
    llama_batch_free(batch);
  }
  llama_free(context);
  llama_model_free(model);
  return sums;
}

std::vector<float> Floats(const zell::gguf::File& file, const std::string& name) {
  const zell::gguf::TensorInfo* tensor = file.FindTensor(name);
  if (tensor == nullptr) Die("the importance matrix lacks " + name);
  std::vector<float> values(tensor->n_weights);
  zell::quant::Dequantize(tensor->type, file.data(*tensor).data(), values.data(), values.size());
  return values;
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options{{"--chunk", "512"}, {"--threads", "2"}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  for (const char* name : {"--model", "--text", "--out", "--backend"})
    if (!options.contains(name)) Die(std::string(name) + " is missing");
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  if (ggml_backend_load(options["--backend"].c_str()) == nullptr) Die("cannot load " + options["--backend"]);
  std::ifstream stream(options["--text"], std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  const int threads = std::stoi(options["--threads"]);
  const std::vector<int32_t> tokens = zell::test::Ours(options["--model"], threads).Tokenize(text.str());
  const auto theirs = Measure(options["--model"], tokens, std::stoul(options["--chunk"]), threads);
  const zell::runtime::ImportanceOptions how{threads, static_cast<uint32_t>(std::stoul(options["--chunk"]))};
  const std::atomic<bool> stop = false;
  const auto report = zell::runtime::MeasureImportance(
      options["--model"], {options["--text"]}, options["--out"], how, [](uint64_t, uint64_t) {}, stop);
  if (!report.ok()) Die(report.status().message);
  const auto file = zell::gguf::File::Open(options["--out"]);
  if (!file.ok()) Die(file.status().message);

  double worst = 0;
  std::string where;
  uint64_t elsewhere = 0, routed = 0;
  for (const auto& [name, sums] : theirs) {
    const std::vector<float> squares = Floats(**file, name + ".in_sum2"), counts = Floats(**file, name + ".counts");
    if (squares.size() != sums.squares.size()) Die(name + " has another size there");
    double off = 0, all = 0;
    for (size_t i = 0; i < squares.size(); ++i) {
      off += std::fabs(squares[i] - sums.squares[i]);
      all += sums.squares[i];
    }
    if (off / all > worst) worst = off / all, where = name;
    for (size_t e = 0; counts.size() > 1 && e < counts.size(); ++e) {
      elsewhere += static_cast<uint64_t>(std::fabs(double(counts[e]) - double(sums.counts[e])));
      routed += sums.counts[e];
    }
  }
  std::printf("{\"tokens\":%zu,\"tensors\":%zu,\"ours\":%zu,\"worst\":%.6f,\"in\":\"%s\",\"routedElsewhere\":%.6f}\n",
              tokens.size(), theirs.size(), (*file)->tensors().size() / 2, worst, where.c_str(),
              routed == 0 ? 0.0 : double(elsewhere) / 2 / double(routed));
  return 0;
}
