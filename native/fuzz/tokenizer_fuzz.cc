// libFuzzer target: a vocabulary made of the input's first half, and the rest as text. Holds that encoding terminates,
// every token is inside the vocabulary, and pieces of a vocabulary with all bytes give the text back.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/pretokenizer.h"
#include "tokenizer/tokenizer.h"

namespace {

using zell::tokenizer::StreamDecoder;
using zell::tokenizer::Token;
using zell::tokenizer::Tokenizer;
using zell::tokenizer::TokenKind;
using zell::tokenizer::VocabularySpec;
using zell::tokenizer::internal::Spelling;

/// Takes values off the front of the input; zeros when it is used up.
class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return byte;
  }
  std::string_view Bytes(size_t n) {
    const std::string_view bytes = rest_.substr(0, n);
    rest_.remove_prefix(bytes.size());
    return bytes;
  }
  std::string_view Rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// Ordinary scores, ties, and what no file should hold.
float Score(uint8_t byte) {
  if (byte == 255) return std::numeric_limits<float>::quiet_NaN();
  if (byte >= 253)
    return byte == 253 ? std::numeric_limits<float>::infinity() : -std::numeric_limits<float>::infinity();
  return static_cast<float>(byte % 16) - 8;
}

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr const char* kModels[] = {"gpt2", "gpt2", "llama", "bert", "t5", "rwkv", "plamo2", "whitespace", "?"};
  const auto rows = zell::tokenizer::internal::AllPretokenizers();
  Input input(data, size);
  VocabularySpec spec;
  spec.model = kModels[input.Byte() % 9];
  const zell::tokenizer::internal::Pretokenizer& row = rows[input.Byte() % rows.size()];
  spec.pre = row.name;
  const bool alphabet = spec.model == "gpt2" && row.spelling == Spelling::kByteAlphabet;
  const bool all_bytes = input.Byte() % 4 != 0;
  for (unsigned byte = 0; all_bytes && byte < 256; ++byte) {
    char name[8];
    std::snprintf(name, sizeof name, "<0x%02X>", byte);
    const std::string c(1, static_cast<char>(byte));
    spec.tokens.push_back(alphabet ? zell::tokenizer::internal::EncodeSpelling(c) : name);
    spec.kinds.push_back(alphabet ? TokenKind::kNormal : TokenKind::kByte);
  }
  bool ordinary = alphabet;
  for (int n = input.Byte() % 32; n > 0; --n) {
    const auto kind = static_cast<TokenKind>(input.Byte() % 8);
    const std::string_view text = input.Bytes(input.Byte() % 8);
    const auto decoded = zell::tokenizer::internal::DecodeSpelling(text);
    // A user-defined token that is a spelling of other bytes encodes those, but stands for itself.
    ordinary &= kind == TokenKind::kNormal || kind == TokenKind::kControl ||
                (kind == TokenKind::kUserDefined && decoded.value_or(std::string(text)) == text);
    spec.tokens.push_back(text);
    spec.kinds.push_back(kind);
  }
  for (int n = input.Byte() % 32; n > 0; --n) spec.merges.push_back(input.Bytes(input.Byte() % 8));
  if (input.Byte() % 2 == 0) {
    for (size_t i = 0; i < spec.tokens.size(); ++i) spec.scores.push_back(Score(input.Byte()));
  }
  spec.charsmap = input.Bytes(input.Byte());
  if (const uint8_t flags = input.Byte(); flags < 128) {
    spec.add_space_prefix = (flags & 1) != 0;
    spec.remove_extra_spaces = (flags & 2) != 0;
    spec.lowercase = (flags & 4) != 0;
    spec.name = (flags & 8) != 0 ? "phi-3" : "modern-bert";
  }
  spec.bos = static_cast<Token>(input.Byte()) - 1;
  spec.fim_pad = static_cast<Token>(static_cast<int8_t>(input.Byte()));

  const bool stripped = !spec.name.empty() || spec.pre.find("jina") != std::string::npos;
  const auto made = Tokenizer::Create(std::move(spec));
  if (!made.ok()) return 0;
  const Tokenizer& tokenizer = **made;
  for (const bool special : {false, true}) {
    StreamDecoder decoder(tokenizer);
    std::string back;
    std::vector<Token> tokens = tokenizer.Encode(input.Rest(), special);
    for (const Token token : tokens) {
      Require(token >= 0 && static_cast<size_t>(token) < tokenizer.size());
      // What has no token is the unknown one, whatever its type.
      Require(special || !tokenizer.IsControl(token) || token == tokenizer.spec().unknown);
      back += tokenizer.Piece(token, true);
      decoder.Push(token);
    }
    decoder.Flush();
    tokenizer.AddAffixes(&tokens);
    tokenizer.Decode(tokens, special, !special);
    if (all_bytes && ordinary && !stripped) Require(back == input.Rest());
  }
  return 0;
}
