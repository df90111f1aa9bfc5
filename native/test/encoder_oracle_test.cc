// Tokenizer models that the oracle has no vocabulary file for, against llama.cpp on made-up vocabularies; and made-up
// variants of those it has: other flags, other scores.
#include <algorithm>
#include <filesystem>
#include <set>

#include "check.h"
#include "made_vocabulary.h"
#include "mixed_text.h"
#include "oracle_compare.h"
#include "tokenizer/unicode.h"

namespace zell::test {
namespace {

constexpr int32_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kByte = 6;

struct Made {
  std::vector<std::string> tokens;
  std::vector<int32_t> kinds;
  std::vector<float> scores;
  std::set<std::string> known;
  uint64_t state = 4711;

  size_t Next(size_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<size_t>(state >> 33) % below;
  }
  void Add(const std::string& text, int32_t kind = kNormal) {
    if (text.empty() || text.find('\0') != std::string::npos || !known.insert(text).second) return;
    tokens.push_back(text);
    kinds.push_back(kind);
    // Few different scores, so that ties are frequent.
    scores.push_back(-static_cast<float>(Next(40)) / 4);
  }
  void AddBytes() {
    for (unsigned byte = 0; byte < 256; ++byte) {
      char name[8];
      std::snprintf(name, sizeof name, "<0x%02X>", byte);
      Add(name, kByte);
    }
  }
  /// Stretches of the test's kind of text, of up to `longest` characters.
  void AddPieces(size_t count, size_t longest, const std::function<std::string(const std::string&)>& spell) {
    const std::string sample = MixedText(3).Make(1 << 16);
    for (size_t i = 0; i < count; ++i) {
      size_t begin = Next(sample.size() - 64);
      while ((static_cast<uint8_t>(sample[begin]) & 0xC0) == 0x80) ++begin;
      size_t end = begin;
      for (size_t n = 1 + Next(longest); n > 0; --n) end += tokenizer::internal::DecodeUtf8(sample, end).length;
      Add(spell(sample.substr(begin, end - begin)));
    }
  }
};

std::string Escape(const std::string& text) {
  std::string escaped;
  for (const char c : text) escaped += c == ' ' ? "\xE2\x96\x81" : std::string(1, c);
  return escaped;
}

void Compare(const Made& made, const std::string& model, CompareOptions options,
             const std::function<void(gguf::HeaderBuilder*)>& change = {}) {
  const std::string path = WriteVocabulary(made.tokens, made.kinds, {}, made.scores, model, "default", change);
  REQUIRE(!path.empty());
  if (const auto oracle = LoadOracle(path)) {
    if (const auto ours = LoadOurs(path)) CompareTexts(*ours, *oracle, options);
  }
  std::filesystem::remove(path);
}

Made MakeSentencePiece() {
  Made made;
  made.Add("<unk>", kUnknown);
  made.Add("<s>", kControl);
  made.Add("</s>", kControl);
  made.AddBytes();
  made.AddPieces(6000, 5, Escape);
  made.Add("<tool>", kUserDefined);
  made.Add("quick", kUserDefined);
  made.Add("<bos>", kControl);
  made.Add("<eos>", kControl);
  return made;
}

}  // namespace

TEST(SpmWithSpacesInsideOfTokens) { Compare(MakeSentencePiece(), "llama", {.bytes = 1 << 17, .invalid = true}); }

TEST(SpmWithoutSpacePrefix) {
  Compare(MakeSentencePiece(), "llama", {.bytes = 1 << 15, .invalid = true}, [](gguf::HeaderBuilder* h) {
    h->Set("tokenizer.ggml.add_space_prefix", false);
    h->Set("tokenizer.ggml.add_bos_token", false);
    h->Set("tokenizer.ggml.add_eos_token", true);
  });
}

TEST(Phi3StripsSpacesBehindSpecialTokens) {
  Made made = MakeSentencePiece();
  for (const char* text : {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}) made.Add(text, kControl);
  Compare(made, "llama", {.bytes = 1 << 15},
          [](gguf::HeaderBuilder* h) { h->Set("general.name", std::string("Phi-3 mini")); });
}

TEST(UgmWithoutCharsmap) {
  for (const bool prefix : {false, true}) {
    for (const bool merge_spaces : {false, true}) {
      Made made = MakeSentencePiece();
      std::swap(made.tokens[0], made.tokens[2]);  // this family's unknown token is the third
      std::swap(made.kinds[0], made.kinds[2]);
      Compare(made, "t5", {.bytes = 1 << 15, .invalid = true}, [&](gguf::HeaderBuilder* h) {
        h->Set("tokenizer.ggml.add_space_prefix", prefix);
        h->Set("tokenizer.ggml.remove_extra_whitespaces", merge_spaces);
      });
    }
  }
}

TEST(WpmWithCaseAndAccents) {
  for (const bool lowercase : {false, true}) {
    for (const bool strip : {false, true}) {
      Made made;
      for (int i = 0; i < 104; ++i) made.Add("[unused" + std::to_string(i) + "]", i < 99 ? kNormal : kControl);
      made.AddPieces(6000, 2,
                     [&](const std::string& piece) { return made.Next(2) == 0 ? "\xE2\x96\x81" + piece : piece; });
      made.Add("[A]", kControl);
      made.Add("[B]", kControl);
      Compare(made, "bert", {.bytes = 1 << 15, .invalid = true}, [&](gguf::HeaderBuilder* h) {
        h->Set("tokenizer.ggml.normalizer.lowercase", lowercase);
        h->Set("tokenizer.ggml.normalizer.strip_accents", strip);
      });
    }
  }
}

TEST(Rwkv) {
  Made made;
  made.Add("<unk>", kControl);
  for (unsigned byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "\\x%02x", byte);
    made.Add(name);
  }
  made.AddPieces(4000, 6, [](const std::string& piece) {
    std::string spelled;
    if (piece.size() == 1) return spelled;  // the bytes are there already, spelled otherwise
    for (const char c : piece)
      spelled += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\\' ? "\\\\" : std::string(1, c);
    return spelled;
  });
  made.Add("<a>", kControl);
  made.Add("<b>", kControl);
  Compare(made, "rwkv", {.bytes = 1 << 16, .invalid = true});
}

TEST(Plamo2) {
  Made made;
  made.Add("<|plamo:unk|>", kUnknown);
  made.Add("<|plamo:bos|>", kControl);
  made.Add("<|plamo:eos|>", kControl);
  made.Add("<|plamo:pad|>", kControl);
  made.AddBytes();
  made.AddPieces(3000, 5, [](const std::string& piece) { return piece; });
  made.Add("<a>", kControl);
  made.Add("<b>", kControl);
  Compare(made, "plamo2", {.bytes = 1 << 16});
}

}  // namespace zell::test

ZELL_TEST_MAIN
