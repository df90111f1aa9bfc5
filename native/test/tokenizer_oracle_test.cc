// Token-exact against llama.cpp: its own vocabulary vectors, and seeded mixed text. Skips what is not on the machine.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "check.h"
#include "gguf/file.h"
#include "llama_oracle.h"
#include "mixed_text.h"
#include "tokenizer/tokenizer.h"
#include "vocabulary_from_gguf.h"

namespace fs = std::filesystem;

namespace zell::test {
namespace {

using tokenizer::Token;
using tokenizer::Tokenizer;

constexpr size_t kMixedBytes = 1 << 20;

fs::path Cache() {
  if (const char* cache = std::getenv("ZELL_CACHE")) return cache;
  const char* home = std::getenv("HOME");
  return fs::path(home != nullptr ? home : ".") / ".cache/zell";
}

/// The oracle's repository, cloned once from the bundle of its npm package; empty when that cannot be done.
fs::path OracleRepository() {
  const fs::path folder = Cache() / "oracle/llama.cpp";
  if (fs::exists(folder / "models")) return folder;
  const fs::path bundle = fs::path(ZELL_SOURCE_ROOT) / "node_modules/node-llama-cpp/llama/gitRelease.bundle";
  std::error_code error;
  fs::create_directories(folder.parent_path(), error);
  if (!fs::exists(bundle) || error) return {};
  const fs::path part = folder.string() + ".part";
  fs::remove_all(part, error);
  const std::string command =
      "git -c advice.detachedHead=false clone --quiet \"" + bundle.string() + "\" \"" + part.string() + "\"";
  if (std::system(command.c_str()) != 0) return {};
  fs::rename(part, folder, error);
  return fs::exists(folder / "models") ? folder : fs::path();
}

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::unique_ptr<Tokenizer> Ours(const std::string& gguf) {
  const auto file = gguf::File::Open(gguf, {.map_data = false});
  if (!file.ok()) {
    Fail(__FILE__, __LINE__, gguf + ": " + file.status().message);
    return nullptr;
  }
  auto tokenizer = Tokenizer::Create(VocabularyFromGguf(**file));
  if (!tokenizer.ok()) {
    Fail(__FILE__, __LINE__, gguf + ": " + tokenizer.status().message);
    return nullptr;
  }
  return std::move(*tokenizer);
}

/// Reports the first difference with the text around it.
void CheckSame(const Tokenizer& ours, const std::vector<Token>& actual, const std::vector<Token>& expected,
               const std::string& what) {
  if (actual == expected) return;
  size_t i = 0;
  std::string before;
  while (i < actual.size() && i < expected.size() && actual[i] == expected[i]) before += ours.Piece(actual[i++], true);
  std::ostringstream message;
  message << what << ": token " << i << " of " << actual.size() << "/" << expected.size() << " differs after «"
          << before.substr(before.size() - std::min<size_t>(before.size(), 40)) << "», ours then oracle:";
  for (const auto& [name, tokens] : {std::pair("\n    ours  ", &actual), std::pair("\n    oracle", &expected)}) {
    message << name;
    for (size_t k = i; k < std::min(tokens->size(), i + 6); ++k) {
      message << " " << (*tokens)[k] << "«" << ours.Piece((*tokens)[k], true) << "»";
    }
  }
  Fail(__FILE__, __LINE__, message.str());
}

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

void CheckVocabulary(const Tokenizer& ours, const OracleVocabulary& oracle) {
  CHECK_EQ(static_cast<int32_t>(ours.size()), oracle.size());
  std::vector<Token> ends;
  size_t different_pieces = 0;
  for (Token token = 0; token < oracle.size(); ++token) {
    if (oracle.IsEndOfGeneration(token)) ends.push_back(token);
    for (const bool special : {false, true}) {
      const std::string piece = oracle.Piece(token, special);
      // Where a token is not spelled in the byte alphabet, the oracle writes a note about it into the text.
      if (ours.Piece(token, special) == piece || piece.find("[UNK_BYTE_") != std::string::npos) continue;
      if (++different_pieces > 1) continue;
      Fail(__FILE__, __LINE__,
           "piece of " + std::to_string(token) + ": «" + ours.Piece(token, special) + "», oracle «" + piece + "»");
    }
  }
  CHECK_EQ(different_pieces, 0u);
  CHECK(std::equal(ends.begin(), ends.end(), ours.EndOfGeneration().begin(), ours.EndOfGeneration().end()));
  CHECK_EQ(ours.spec().add_bos, oracle.AddBos());
  const auto& spec = ours.spec();
  CHECK((std::vector<Token>{spec.fim_prefix, spec.fim_suffix, spec.fim_middle, spec.fim_pad, spec.fim_repo,
                            spec.fim_separator} == oracle.FillInTheMiddle()));
}

void CheckMixedText(const Tokenizer& ours, const OracleVocabulary& oracle) {
  const std::string text = MixedText(7).Make(kMixedBytes);
  for (const bool special : {false, true}) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Token> actual = ours.Encode(text, special);
    const double our_seconds = Seconds(start);
    const auto oracle_start = std::chrono::steady_clock::now();
    const std::vector<Token> expected = oracle.Encode(text, special);
    const double oracle_seconds = Seconds(oracle_start);
    CheckSame(ours, actual, expected, special ? "mixed text with specials" : "mixed text");
    const double megabytes = static_cast<double>(text.size()) / 1e6;
    std::printf("  mixed text%s: %zu tokens, %.1f MB/s, oracle %.1f MB/s\n", special ? " with specials" : "",
                actual.size(), megabytes / our_seconds, megabytes / oracle_seconds);
  }
  // Many short texts reach the borders that one long text hides.
  MixedText snippets(11);
  for (int i = 0; i < 3000 && !Registry::Get().failed; ++i) {
    const std::string snippet = snippets.Make(1 + static_cast<size_t>(i) % 60);
    CheckSame(ours, ours.Encode(snippet, i % 2 == 0), oracle.Encode(snippet, i % 2 == 0), "snippet «" + snippet + "»");
  }
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

/// false after a skip.
void CompareAll(const std::string& gguf) {
  std::string why_not;
  const auto oracle = OracleVocabulary::Load(gguf, &why_not);
  if (oracle == nullptr) {
    Registry::Get().skipped = true;
    std::printf("skip %s: %s\n", gguf.c_str(), why_not.c_str());
    return;
  }
  const auto ours = Ours(gguf);
  if (ours == nullptr) return;
  CheckVocabulary(*ours, *oracle);
  CheckMixedText(*ours, *oracle);
}

void CompareVocabulary(const std::string& name) {
  const fs::path repository = OracleRepository();
  const std::string gguf = (repository / "models" / ("ggml-vocab-" + name + ".gguf")).string();
  if (repository.empty() || !fs::exists(gguf)) {
    Registry::Get().skipped = true;
    std::printf("skip %s: no copy of the oracle's repository (npm install, git)\n", name.c_str());
    return;
  }
  if (const auto ours = Ours(gguf); ours != nullptr && fs::exists(gguf + ".out")) CheckVectors(*ours, gguf);
  CompareAll(gguf);
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
TEST(DefaultModel) {
  const char* named = std::getenv("ZELL_TEST_MODEL");
  const fs::path model = named != nullptr ? fs::path(named) : Cache() / "models/SmolLM2-135M-Instruct.Q4_1.gguf";
  if (!fs::exists(model)) SKIP("the default model is not in the cache (ZELL_TEST_MODEL names another place)");
  CompareAll(model.string());
}

}  // namespace zell::test

ZELL_TEST_MAIN
