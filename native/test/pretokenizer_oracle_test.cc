// Every row of the table of pre-tokenizers against llama.cpp, on made-up vocabularies whose merges know no words:
// nearly every border that is not where the oracle has it changes a token.
#include <algorithm>
#include <cstdlib>
#include <set>

#include "check.h"
#include "made_vocabulary.h"
#include "mixed_text.h"
#include "oracle_cache.h"
#include "oracle_compare.h"
#include "tokenizer/byte_alphabet.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/unicode.h"

namespace fs = std::filesystem;

namespace zell::test {
namespace {

using tokenizer::internal::Pretokenizer;
using tokenizer::internal::Spelling;

constexpr int32_t kNormal = 1, kControl = 3, kByte = 6;

struct MadeVocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> kinds;
  std::vector<std::string> merges;
  std::set<std::string> known;

  bool Add(const std::string& token, int32_t kind) {
    if (!known.insert(token).second) return false;
    tokens.push_back(token);
    kinds.push_back(kind);
    return true;
  }
};

/// Characters of a sample as the vocabulary spells them, in order of appearance.
std::vector<std::string> Atoms(const std::string& sample, Spelling spelling) {
  std::vector<std::string> atoms;
  for (size_t pos = 0; pos < sample.size();) {
    const size_t length = spelling == Spelling::kByteAlphabet ? 1 : tokenizer::internal::DecodeUtf8(sample, pos).length;
    const std::string c = sample.substr(pos, length);
    pos += length;
    if (spelling == Spelling::kByteAlphabet) {
      atoms.push_back(tokenizer::internal::EncodeSpelling(c));
    } else {
      atoms.push_back(c == " " ? "\xE2\x96\x81" : c);
    }
  }
  return atoms;
}

/// All bytes, then merges of neighbours in the sample, in two levels and in random order.
MadeVocabulary Make(Spelling spelling) {
  MadeVocabulary made;
  for (int byte = 0; byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", static_cast<unsigned>(byte));
    if (spelling == Spelling::kByteAlphabet) {
      made.Add(tokenizer::internal::EncodeSpelling(std::string(1, static_cast<char>(byte))), kNormal);
    } else {
      made.Add(name, kByte);
    }
  }
  const std::vector<std::string> atoms = Atoms(MixedText(3).Make(1 << 16), spelling);
  uint64_t state = 99;
  const auto next = [&](size_t below) {
    state = state * 6364136223846793005 + 1442695040888963407;
    return static_cast<size_t>(state >> 33) % below;
  };
  for (int i = 0; i < 12000; ++i) {
    size_t at = next(atoms.size() - 4);
    const size_t left_atoms = 1 + next(2), right_atoms = 1 + next(2);
    std::string left, right;
    for (size_t k = 0; k < left_atoms; ++k) left += atoms[at++];
    for (size_t k = 0; k < right_atoms; ++k) right += atoms[at++];
    // The oracle asserts that no merge has a space or a line feed in it, and reads tokens up to a zero.
    if ((left + right).find_first_of(std::string(" \n\0", 3)) != std::string::npos) continue;
    if (spelling != Spelling::kByteAlphabet) {
      made.Add(left.substr(0, tokenizer::internal::DecodeUtf8(left, 0).length), kNormal);
    }
    if (made.Add(left + right, kNormal)) made.merges.push_back(left + " " + right);
  }
  if (spelling != Spelling::kByteAlphabet) made.Add("\n\n", kNormal);
  made.Add("<s>", kControl);
  made.Add("<|endoftext|>", kControl);
  return made;
}

void CompareRow(const MadeVocabulary& made, const std::string& model, const std::string& pre, CompareOptions options) {
  const std::string path = WriteVocabulary(made.tokens, made.kinds, made.merges, {}, model, pre);
  REQUIRE(!path.empty());
  if (const auto oracle = LoadOracle(path)) {
    if (const auto ours = LoadOurs(path)) {
      const bool before = Registry::Get().failed;
      Registry::Get().failed = false;
      CHECK_EQ(ours->spec().add_bos, oracle->AddBos());
      CompareTexts(*ours, *oracle, options);
      if (Registry::Get().failed) std::printf("  ^ pre-tokenizer %s\n", pre.c_str());
      Registry::Get().failed |= before;
    }
  }
  fs::remove(path);
}

}  // namespace

TEST(EveryRow) {
  const MadeVocabulary bytes = Make(Spelling::kByteAlphabet);
  const MadeVocabulary characters = Make(Spelling::kEscapedSpaces);
  for (const Pretokenizer& row : tokenizer::internal::AllPretokenizers()) {
    if (Registry::Get().skipped) return;
    const MadeVocabulary& made = row.spelling == Spelling::kByteAlphabet ? bytes : characters;
    const std::string model = row.spelling == Spelling::kPlain ? "whitespace" : "gpt2";
    CompareRow(
        made, model, std::string(row.name),
        {.bytes = 1 << 13, .snippets = 60, .decode = true, .print_speed = std::getenv("ZELL_ORACLE_BYTES") != nullptr});
  }
}

}  // namespace zell::test

ZELL_TEST_MAIN
