// Checked arithmetic, buffers, SHA-256.
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/checked.h"
#include "base/sha256.h"
#include "base/string_list.h"
#include "check.h"

namespace zell::base {
namespace {

TEST(CheckedArithmeticStopsAtTheEdge) {
  CHECK_EQ(CheckedAdd(UINT64_MAX - 1, 1).value_or(0), UINT64_MAX);
  CHECK(!CheckedAdd(UINT64_MAX, 1));
  CHECK_EQ(CheckedMul(UINT64_MAX, 1).value_or(0), UINT64_MAX);
  CHECK_EQ(CheckedMul(UINT64_MAX, 0).value_or(1), uint64_t{0});
  CHECK(!CheckedMul(uint64_t{1} << 32, uint64_t{1} << 32));
  CHECK_EQ(CheckedAlignUp(33, 32).value_or(0), uint64_t{64});
  CHECK_EQ(CheckedAlignUp(64, 32).value_or(0), uint64_t{64});
  CHECK(!CheckedAlignUp(UINT64_MAX, 32));
  CHECK(FitsWithin(10, 0, 10));
  CHECK(!FitsWithin(11, 0, 10));
  CHECK(!FitsWithin(1, UINT64_MAX, 10));
}

TEST(AlignedBufferIsAlignedZeroedAndMovable) {
  AlignedBuffer<float> buffer(1001);
  CHECK(buffer.ok());
  CHECK_EQ(reinterpret_cast<uintptr_t>(buffer.data()) % 64, uintptr_t{0});
  CHECK_EQ(buffer[1000], 0.0f);
  buffer[1000] = 3.0f;
  AlignedBuffer<float> moved(std::move(buffer));
  CHECK_EQ(moved.size(), size_t{1001});
  CHECK_EQ(moved[1000], 3.0f);
  moved = AlignedBuffer<float>(2);
  CHECK_EQ(moved.size(), size_t{2});
}

TEST(AlignedBufferSaysWhenThereIsNoMemory) {
  const AlignedBuffer<double> absurd(SIZE_MAX / 2);
  CHECK(!absurd.ok());
  CHECK_EQ(absurd.size(), size_t{0});
  CHECK(AlignedBuffer<double>(0).ok());
}

std::string Hash(const std::string& text, size_t chunk) {
  Sha256 hash;
  for (size_t at = 0; at < text.size(); at += chunk) {
    const std::string part = text.substr(at, chunk);
    hash.Update({reinterpret_cast<const uint8_t*>(part.data()), part.size()});
  }
  return ToHex(hash.Finish());
}

// The examples of FIPS 180-4, at every way to cut them into updates.
TEST(Sha256MatchesThePublishedExamples) {
  CHECK_EQ(Hash("", 1), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::string two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  for (size_t chunk = 1; chunk <= 64; ++chunk) {
    CHECK_EQ(Hash("abc", chunk), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_EQ(Hash(two_blocks, chunk), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  }
  CHECK_EQ(Hash(std::string(1'000'000, 'a'), 4097), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
TEST(StringListSharesUntilChanged) {
  StringList list{"a", "", "ccc"};
  const StringList copy = list;
  CHECK_EQ(copy[2].data(), list[2].data());
  list.push_back("d");
  list.Replace(1, "bb");
  CHECK_EQ(copy.size(), 3u);
  CHECK_EQ(copy[1], "");
  std::string joined;
  for (const std::string_view string : list) joined.append(string).append(1, '|');
  CHECK_EQ(joined, "a|bb|ccc|d|");
  list.clear();
  CHECK(list.empty() && list.begin() == list.end());
  CHECK_EQ(StringList("abc", {1, 1, 3})[2], "bc");
}

}  // namespace zell::base

ZELL_TEST_MAIN
