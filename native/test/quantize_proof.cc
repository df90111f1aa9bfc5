// Our quantised files beside the oracle's (llama.cpp's libraries), both made of one source and read by our engine over
// one text: how far their next-token probabilities are from the source's. One line of JSON for each type.
// zell_quantize_proof --source MODEL --text FILE --types A,B,… --folder DIR [--importance FILE | --measure TEXT]
//                     [--tokens N] [--window N] [--threads N]
//
// Files lie in DIR while they are compared. With an importance matrix, or one measured over TEXT, both sides use it.
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "both_engines.h"
#include "convert/importance.h"
#include "convert/quantize_file.h"
#include "convert/recipe.h"
#include "gguf/file.h"
#include "runtime/importance.h"

namespace {

using zell::test::Comparison;
using zell::test::Die;
using zell::test::Logits;
using zell::test::Ours;
using Clock = std::chrono::steady_clock;

double Since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

/// The same numbers for the oracle, by tensor of the source.
struct OracleImportance {
  std::vector<std::string> names;
  std::vector<std::vector<float>> values;
  std::vector<llama_model_imatrix_data> list;

  OracleImportance(const std::string& path, const std::string& source) {
    if (path.empty()) return;
    const auto importance = zell::convert::Importance::Read(path);
    if (!importance.ok()) Die(importance.status().message);
    const auto file = zell::gguf::File::Open(source);
    if (!file.ok()) Die(file.status().message);
    for (const auto& tensor : (*file)->tensors()) {
      std::vector<float> all;
      for (uint64_t e = 0; e < tensor.dims[2]; ++e) {
        const auto part = importance->Find(tensor.name, tensor.dims[0], e);
        if (part.empty()) {
          all.insert(all.end(), tensor.dims[0], 1.0f);  // as its own tool has it for experts without tokens
        } else {
          all.insert(all.end(), part.begin(), part.end());
        }
      }
      if (importance->Find(tensor.name, tensor.dims[0], 0).empty()) continue;
      names.push_back(tensor.name);
      values.push_back(std::move(all));
    }
    for (size_t i = 0; i < names.size(); ++i) list.push_back({names[i].c_str(), values[i].data(), values[i].size()});
    list.push_back({nullptr, nullptr, 0});
  }
};

struct Made {
  double seconds = 0;
  uint64_t bytes = 0;
  Comparison against;
};

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options{{"--tokens", "4096"}, {"--window", "512"}, {"--threads", "2"}};
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  for (const char* name : {"--source", "--text", "--types", "--folder"})
    if (!options.contains(name)) Die(std::string(name) + " is missing");
  const size_t wanted = std::stoul(options["--tokens"]), window = std::stoul(options["--window"]);
  const int threads = std::stoi(options["--threads"]);
  const std::string source = options["--source"];
  std::string importance = options["--importance"];
  llama_log_set([](ggml_log_level, const char*, void*) {}, nullptr);
  std::ifstream stream(options["--text"], std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();

  std::vector<std::vector<int32_t>> parts;
  std::vector<Logits> reference;
  {
    Ours ours(source, threads, window);
    const std::vector<int32_t> tokens = ours.Tokenize(text.str());
    if (tokens.size() < wanted) Die("the text has only " + std::to_string(tokens.size()) + " tokens");
    for (size_t at = 0; at + window <= wanted; at += window) {
      parts.emplace_back(tokens.begin() + long(at), tokens.begin() + long(at + window));
      reference.push_back(ours.Evaluate(parts.back()));
    }
  }
  if (options.contains("--measure")) {
    importance = options["--folder"] + "/importance.gguf";
    const std::atomic<bool> stop = false;
    const auto measured = zell::runtime::MeasureImportance(
        source, {options["--measure"]}, importance, {.threads = threads}, [](uint64_t, uint64_t) {}, stop);
    if (!measured.ok()) Die(measured.status().message);
  }
  const OracleImportance for_oracle(importance, source);
  const auto compare = [&](const std::string& path, Made* made) {
    made->bytes = std::filesystem::file_size(path);
    Ours ours(path, threads, window);
    for (size_t i = 0; i < parts.size(); ++i) made->against.Add(reference[i], ours.Evaluate(parts[i]), window);
    std::filesystem::remove(path);
  };

  std::stringstream types(options["--types"]);
  for (std::string type; std::getline(types, type, ',');) {
    const zell::convert::Recipe* recipe = zell::convert::FindRecipe(type);
    if (recipe == nullptr) Die("there is no type " + type);
    const std::string path = options["--folder"] + "/" + type + ".gguf";
    Made ours, theirs;
    const std::atomic<bool> stop = false;
    Clock::time_point begin = Clock::now();
    const auto report = zell::convert::QuantizeFile(
        source, path, {.recipe = type, .importance = importance, .threads = threads}, [](uint64_t, uint64_t) {}, stop);
    if (!report.ok()) Die(report.status().message);
    ours.seconds = Since(begin);
    compare(path, &ours);

    llama_model_quantize_params params = llama_model_quantize_default_params();
    params.nthread = threads;
    params.ftype = static_cast<llama_ftype>(recipe->file_type);
    params.allow_requantize = true;
    if (type == "MXFP4") {  // its tool knows only files whose experts are of this type
      params.pure = true;
      params.output_tensor_type = params.token_embedding_type = GGML_TYPE_Q8_0;
    }
    params.imatrix = importance.empty() ? nullptr : for_oracle.list.data();
    begin = Clock::now();
    if (llama_model_quantize(source.c_str(), path.c_str(), &params) != 0) Die("the oracle cannot make " + type);
    theirs.seconds = Since(begin);
    compare(path, &theirs);

    const auto kl = [](const Made& made) { return made.against.kl / static_cast<double>(made.against.rows); };
    const auto best = [](const Made& made) {
      return static_cast<double>(made.against.same_best) / static_cast<double>(made.against.rows);
    };
    std::printf(
        "{\"type\":\"%s\",\"klOurs\":%.6g,\"klOracle\":%.6g,\"sameBestOurs\":%.4f,\"sameBestOracle\":%.4f,"
        "\"bytesOurs\":%llu,\"bytesOracle\":%llu,\"secondsOurs\":%.2f,\"secondsOracle\":%.2f}\n",
        type.c_str(), kl(ours), kl(theirs), best(ours), best(theirs), static_cast<unsigned long long>(ours.bytes),
        static_cast<unsigned long long>(theirs.bytes), ours.seconds, theirs.seconds);
    std::fflush(stdout);
  }
  return 0;
}
