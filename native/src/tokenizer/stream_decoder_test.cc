// Text that comes in pieces cut at every possible byte.
#include "check.h"
#include "tokenizer/test_vocabulary.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"

namespace zell::tokenizer {
namespace {

/// Tokens 0–255 are the bytes.
std::unique_ptr<Tokenizer> Bytes() { return std::move(*Tokenizer::Create(internal::TestVocabulary())); }

bool IsValidUtf8(std::string_view text) {
  for (size_t pos = 0; pos < text.size();) {
    const internal::Utf8Char c = internal::DecodeUtf8(text, pos);
    if (!c.valid) return false;
    pos += c.length;
  }
  return true;
}

std::string Decode(const Tokenizer& tokenizer, std::string_view bytes) {
  StreamDecoder decoder(tokenizer);
  std::string text;
  for (const char byte : bytes) {
    const std::string part = decoder.Push(static_cast<uint8_t>(byte));
    CHECK(IsValidUtf8(part));
    text += part;
  }
  return text + decoder.Flush();
}

constexpr const char* kReplaced = "\xEF\xBF\xBD";

}  // namespace

TEST(WholeCharactersOnly) {
  const auto t = Bytes();
  const std::string text = "aé日😀👩‍👩‍👧e\xCC\x81\xEF\xBF\xBDz";
  CHECK_EQ(Decode(*t, text), text);
  StreamDecoder decoder(*t);
  CHECK_EQ(decoder.Push(0xF0), "");
  CHECK_EQ(decoder.Push(0x9F), "");
  CHECK_EQ(decoder.Push(0x98), "");
  CHECK_EQ(decoder.Push(0x80), "😀");
  CHECK_EQ(decoder.Flush(), "");
}

TEST(ControlTokensWhenAskedFor) {
  const auto t = Bytes();
  for (const bool special : {false, true}) {
    StreamDecoder decoder(*t, special);
    CHECK_EQ(decoder.Push('a') + decoder.Push(t->spec().eos) + decoder.Push('b') + decoder.Flush(),
             special ? "a<|endoftext|>b" : "ab");
  }
}

// Cutting at every byte: the front decodes to what it holds, then at most one replacement.
TEST(CutAtEveryByte) {
  const auto t = Bytes();
  const std::string text = "xé日😀y";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    const std::string front = Decode(*t, text.substr(0, cut));
    size_t whole = 0;
    while (whole < cut) {
      const size_t length = internal::DecodeUtf8(text, whole).length;
      if (whole + length > cut) break;
      whole += length;
    }
    CHECK_EQ(front, text.substr(0, whole) + (whole < cut ? kReplaced : ""));
  }
}

TEST(ImpossibleBytesAreReplacedAtOnce) {
  const auto t = Bytes();
  for (const uint8_t byte : {0x80, 0xBF, 0xC0, 0xC1, 0xF5, 0xFF}) {
    StreamDecoder decoder(*t);
    CHECK_EQ(decoder.Push(byte), kReplaced);
    CHECK_EQ(decoder.Flush(), "");
  }
  // Second bytes that no character has: nothing may be held back for them.
  for (const std::string bytes : {"\xE0\x80", "\xED\xA0", "\xF0\x80", "\xF4\x90"}) {
    StreamDecoder decoder(*t);
    CHECK_EQ(decoder.Push(static_cast<uint8_t>(bytes[0])), "");
    CHECK_EQ(decoder.Push(static_cast<uint8_t>(bytes[1])), std::string(kReplaced) + kReplaced);
  }
  CHECK_EQ(Decode(*t, "\xE2\x82z"), std::string(kReplaced) + kReplaced + "z");
  CHECK_EQ(Decode(*t, "\xE2\xE2\x82\xAC"), std::string(kReplaced) + "€");
}

TEST(ControlTokensAddNothing) {
  const auto t = Bytes();
  StreamDecoder decoder(*t);
  CHECK_EQ(decoder.Push(0xC3), "");
  CHECK_EQ(decoder.Push(t->spec().eos), "");
  CHECK_EQ(decoder.Push(0xA9), "é");
  CHECK_EQ(decoder.Push(-1), "");
}

TEST(AnyBytesGiveValidText) {
  const auto t = Bytes();
  uint64_t state = 99;
  for (int round = 0; round < 500; ++round) {
    std::string bytes;
    for (int i = 0; i < 24; ++i) {
      state = state * 6364136223846793005 + 1442695040888963407;
      bytes += static_cast<char>(state >> 40 & 1 ? 0x80 | (state >> 48 & 0x7F) : state >> 56);
    }
    CHECK(IsValidUtf8(Decode(*t, bytes)));
  }
}

}  // namespace zell::tokenizer

ZELL_TEST_MAIN
