// The comparisons, and where the oracle's files are.
#include "oracle_compare.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <sstream>

#include "base/os.h"
#include "check.h"
#include "gguf/file.h"
#include "mixed_text.h"
#include "model/vocabulary.h"
#include "oracle_cache.h"

namespace zell::test {
namespace {

namespace fs = std::filesystem;
using tokenizer::Token;
using tokenizer::Tokenizer;

/// Of processor time, so that other programs do not count; both encode in the caller's thread.
double Seconds(std::clock_t since) {
  return std::max(1e-6, static_cast<double>(std::clock() - since) / CLOCKS_PER_SEC);
}

size_t BytesOf(const CompareOptions& options) {
  const char* bytes = std::getenv("ZELL_ORACLE_BYTES");
  return bytes != nullptr ? static_cast<size_t>(std::atoll(bytes)) : options.bytes;
}

void CheckDecoding(const Tokenizer& ours, const OracleVocabulary& oracle, const std::vector<Token>& tokens) {
  for (const bool remove : {false, true}) {
    for (const bool special : {false, true}) {
      const std::string actual = ours.Decode(tokens, remove, special);
      const std::string expected = oracle.Decode(tokens, remove, special);
      // Where a token is not spelled in the byte alphabet, the oracle writes a note about it into the text.
      if (actual == expected || expected.find("[UNK_BYTE_") != std::string::npos) continue;
      Fail(__FILE__, __LINE__, "decoded «" + actual + "», oracle «" + expected + "»");
      return;
    }
  }
}

}  // namespace

std::string OracleModels() {
  const fs::path folder = Cache() / "oracle/llama.cpp";
  if (fs::exists(folder / "models")) return (folder / "models").string();
  const fs::path bundle = fs::path(ZELL_SOURCE_ROOT) / "node_modules/node-llama-cpp/llama/gitRelease.bundle";
  std::error_code error;
  fs::create_directories(folder.parent_path(), error);
  if (!fs::exists(bundle) || error) return {};
  const fs::path part = folder.string() + "." + std::to_string(base::ProcessId()) + ".part";
  fs::remove_all(part, error);
  const std::string command =
      "git -c advice.detachedHead=false clone --quiet \"" + bundle.string() + "\" \"" + part.string() + "\"";
  if (std::system(command.c_str()) != 0) return {};
  // Another program may have been quicker: then its clone stays and this one goes.
  fs::rename(part, folder, error);
  if (error) fs::remove_all(part, error);
  return fs::exists(folder / "models") ? (folder / "models").string() : std::string();
}

std::unique_ptr<Tokenizer> LoadOurs(const std::string& gguf) {
  const auto file = gguf::File::Open(gguf, {.map_data = false});
  if (!file.ok()) {
    Fail(__FILE__, __LINE__, gguf + ": " + file.status().message);
    return nullptr;
  }
  auto spec = model::ReadVocabulary(**file);
  if (!spec.ok()) {
    Fail(__FILE__, __LINE__, gguf + ": " + spec.status().message);
    return nullptr;
  }
  auto tokenizer = Tokenizer::Create(std::move(*spec));
  if (!tokenizer.ok()) {
    Fail(__FILE__, __LINE__, gguf + ": " + tokenizer.status().message);
    return nullptr;
  }
  return std::move(*tokenizer);
}

std::unique_ptr<OracleVocabulary> LoadOracle(const std::string& gguf) {
  std::string why_not;
  auto oracle = OracleVocabulary::Load(gguf, &why_not);
  if (oracle == nullptr) {
    Registry::Get().skipped = true;
    std::printf("skip %s: %s\n", gguf.c_str(), why_not.c_str());
  }
  return oracle;
}

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
    for (size_t k = i; k < std::min(tokens->size(), i + 8); ++k) {
      message << " " << (*tokens)[k] << "«" << ours.Piece((*tokens)[k], true) << "»";
    }
  }
  Fail(__FILE__, __LINE__, message.str());
}

void CompareVocabularies(const Tokenizer& ours, const OracleVocabulary& oracle) {
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

void CompareTexts(const Tokenizer& ours, const OracleVocabulary& oracle, const CompareOptions& options) {
  const std::string text = MixedText(7, options.invalid).Make(BytesOf(options));
  double our_seconds = 1e9, oracle_seconds = 1e9;
  for (const bool special : {false, true}) {
    const auto start = std::clock();
    const std::vector<Token> actual = ours.Encode(text, special);
    our_seconds = std::min(our_seconds, Seconds(start));
    const auto oracle_start = std::clock();
    const std::vector<Token> expected = oracle.Encode(text, special);
    oracle_seconds = std::min(oracle_seconds, Seconds(oracle_start));
    CheckSame(ours, actual, expected, special ? "mixed text with specials" : "mixed text");
    if (options.decode && !Registry::Get().failed) CheckDecoding(ours, oracle, actual);
  }
  if (options.print_speed) {
    const double megabytes = static_cast<double>(text.size()) / 1e6;
    std::printf("  %.1f MB/s, oracle %.2f MB/s: %.1f times as fast\n", megabytes / our_seconds,
                megabytes / oracle_seconds, oracle_seconds / our_seconds);
  }
  // Many short texts reach the borders that one long text hides.
  MixedText snippets(11, options.invalid);
  for (int i = 0; i < options.snippets && !Registry::Get().failed; ++i) {
    const std::string snippet = snippets.Make(1 + static_cast<size_t>(i) % 60);
    const std::vector<Token> actual = ours.Encode(snippet, i % 2 == 0);
    CheckSame(ours, actual, oracle.Encode(snippet, i % 2 == 0), "snippet «" + snippet + "»");
    if (options.decode && i % 4 == 0) CheckDecoding(ours, oracle, actual);
    if (i % 8 == 0) {
      std::vector<Token> framed = actual;
      ours.AddAffixes(&framed);
      CheckSame(ours, framed, oracle.Encode(snippet, i % 2 == 0, true), "framed snippet «" + snippet + "»");
    }
  }
}

}  // namespace zell::test
