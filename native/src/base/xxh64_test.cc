// Known values of XXH64, from short texts and texts longer than one round of its lanes.
#include "base/xxh64.h"

#include <string>

#include "check.h"

namespace {

uint64_t Of(const std::string& text, uint64_t seed = 0) {
  return zell::base::Xxh64({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, seed);
}

}  // namespace

TEST(known_values) {
  CHECK_EQ(Of(""), 0xEF46DB3751D8E999u);
  CHECK_EQ(Of("a"), 0xD24EC4F1A98C6E5Bu);
  CHECK_EQ(Of("abc"), 0x44BC2CF5AD770999u);
  CHECK_EQ(Of("Nobody inspects the spammish repetition"), 0xFBCEA83C8A378BF1u);
}

TEST(every_bit_and_the_seed_count) {
  std::string text(77, 'x');
  const uint64_t whole = Of(text);
  CHECK(Of(text, 1) != whole);
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(text[i] ^ 1);
    CHECK(Of(text) != whole);
    text[i] = static_cast<char>(text[i] ^ 1);
  }
}

ZELL_TEST_MAIN
