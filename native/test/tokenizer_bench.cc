// Loads and encodes with our tokenizer and the oracle's in turn and prints one JSON line for each file:
// zell_tokenizer_bench [--bytes N] [--rounds N] GGUF…, or --list for the vocabularies of the oracle's repository.
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <limits>

#include "check.h"
#include "mixed_text.h"
#include "oracle_compare.h"

namespace zell::test {
namespace {

/// Of processor time, so that other programs do not count; all of it happens in the caller's thread.
template <typename Work>
double Milliseconds(Work work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) * 1000 / CLOCKS_PER_SEC;
}

/// Of this process, in KiB; 0 where nothing tells.
long ResidentKib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("VmRSS:", 0) == 0) return std::atol(line.c_str() + 6);
  }
  return 0;
}

void Print(const char* name, const std::vector<double>& values) {
  std::printf(",\"%s\":[", name);
  for (size_t i = 0; i < values.size(); ++i) std::printf(i == 0 ? "%.3f" : ",%.3f", values[i]);
  std::printf("]");
}

int Bench(const std::string& gguf, size_t bytes, int rounds) {
  const std::string text = MixedText(7).Make(bytes);
  std::vector<double> load, oracle_load, encode, oracle_encode;
  long kib = 0, oracle_kib = 0;
  bool same = true;
  for (int round = 0; round < rounds; ++round) {
    std::unique_ptr<tokenizer::Tokenizer> ours;
    std::unique_ptr<OracleVocabulary> oracle;
    if (round == 0) std::ifstream(gguf, std::ios::binary).ignore(std::numeric_limits<std::streamsize>::max());
    const long start = ResidentKib();
    load.push_back(Milliseconds([&] { ours = LoadOurs(gguf); }));
    const long middle = ResidentKib();
    oracle_load.push_back(Milliseconds([&] { oracle = LoadOracle(gguf); }));
    if (ours == nullptr || oracle == nullptr) return 1;
    if (round == 0) kib = middle - start, oracle_kib = ResidentKib() - middle;
    std::vector<tokenizer::Token> actual, expected;
    encode.push_back(Milliseconds([&] { actual = ours->Encode(text, false); }));
    oracle_encode.push_back(Milliseconds([&] { expected = oracle->Encode(text, false); }));
    same = same && actual == expected;
  }
  std::printf("{\"name\":\"%s\",\"bytes\":%zu,\"same\":%s,\"kib\":%ld,\"oracleKib\":%ld",
              std::filesystem::path(gguf).stem().c_str(), text.size(), same ? "true" : "false", kib, oracle_kib);
  Print("loadMs", load);
  Print("oracleLoadMs", oracle_load);
  Print("encodeMs", encode);
  Print("oracleEncodeMs", oracle_encode);
  std::printf("}\n");
  std::fflush(stdout);
  return same ? 0 : 1;
}

int Run(int argc, char** argv) {
  size_t bytes = 1 << 20;
  int rounds = 5, failed = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--bytes" && i + 1 < argc) {
      bytes = static_cast<size_t>(std::atoll(argv[++i]));
    } else if (argument == "--rounds" && i + 1 < argc) {
      rounds = std::atoi(argv[++i]);
    } else if (argument == "--list") {
      std::error_code error;
      for (const auto& entry : std::filesystem::directory_iterator(OracleModels(), error)) {
        if (entry.path().extension() == ".gguf") std::printf("%s\n", entry.path().c_str());
      }
    } else {
      failed |= Bench(argument, bytes, rounds);
    }
  }
  return failed;
}

}  // namespace
}  // namespace zell::test

int main(int argc, char** argv) { return zell::test::Run(argc, argv); }
