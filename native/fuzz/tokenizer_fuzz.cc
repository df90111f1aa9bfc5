// libFuzzer target: a vocabulary made of the input's first half, and the rest as text. Holds that encoding terminates,
// every token is inside the vocabulary, and pieces of a vocabulary with all bytes give the text back.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tokenizer/byte_alphabet.h"
#include "tokenizer/tokenizer.h"

namespace {

using zell::tokenizer::StreamDecoder;
using zell::tokenizer::Token;
using zell::tokenizer::Tokenizer;
using zell::tokenizer::TokenKind;
using zell::tokenizer::VocabularySpec;

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

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static constexpr const char* kPre[] = {"gpt-2", "smollm", "llama-bpe", "qwen2", "qwen35", "unheard-of"};
  Input input(data, size);
  VocabularySpec spec;
  spec.model = "gpt2";
  spec.pre = kPre[input.Byte() % 6];
  const bool all_bytes = input.Byte() % 4 != 0;
  for (int byte = 0; all_bytes && byte < 256; ++byte) {
    spec.tokens.push_back(zell::tokenizer::internal::EncodeSpelling(std::string(1, static_cast<char>(byte))));
    spec.kinds.push_back(TokenKind::kNormal);
  }
  bool ordinary = true;
  for (int n = input.Byte() % 32; n > 0; --n) {
    const auto kind = static_cast<TokenKind>(input.Byte() % 8);
    const std::string_view text = input.Bytes(input.Byte() % 8);
    const auto decoded = zell::tokenizer::internal::DecodeSpelling(text);
    // A user-defined token that is a spelling of other bytes encodes those, but stands for itself.
    ordinary &= kind == TokenKind::kNormal || kind == TokenKind::kControl ||
                (kind == TokenKind::kUserDefined && decoded.value_or(std::string(text)) == text);
    spec.tokens.emplace_back(text);
    spec.kinds.push_back(kind);
  }
  for (int n = input.Byte() % 32; n > 0; --n) spec.merges.emplace_back(input.Bytes(input.Byte() % 8));
  spec.bos = static_cast<Token>(input.Byte()) - 1;
  spec.fim_pad = static_cast<Token>(static_cast<int8_t>(input.Byte()));

  const auto made = Tokenizer::Create(std::move(spec));
  if (!made.ok()) return 0;
  const Tokenizer& tokenizer = **made;
  for (const bool special : {false, true}) {
    StreamDecoder decoder(tokenizer);
    std::string back;
    for (const Token token : tokenizer.Encode(input.Rest(), special)) {
      Require(token >= 0 && static_cast<size_t>(token) < tokenizer.size());
      Require(special || !tokenizer.IsControl(token));
      back += tokenizer.Piece(token, true);
      decoder.Push(token);
    }
    decoder.Flush();
    if (all_bytes && ordinary) Require(back == input.Rest());
  }
  return 0;
}
