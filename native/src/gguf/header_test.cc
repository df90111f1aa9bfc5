// Hostile headers: each is refused with a message that says what is wrong.
#include "gguf/header.h"

#include <random>
#include <string>
#include <vector>

#include "check.h"
#include "gguf/limits.h"
#include "gguf/raw_bytes.h"
#include "gguf/writer.h"

namespace zell::gguf {
namespace {

using base::StatusCode;

base::Result<Header> Parse(const std::vector<uint8_t>& bytes) { return ParseHeader(base::MemorySource(bytes)); }

#define EXPECT_REFUSED(raw, expected_code, words)                                                                 \
  do {                                                                                                            \
    const base::Result<Header> header = Parse((raw).bytes);                                                       \
    CHECK(!header.ok());                                                                                          \
    CHECK(header.status().code == StatusCode::expected_code);                                                     \
    if (header.status().message.find(words) == std::string::npos) {                                               \
      ::zell::test::Fail(__FILE__, __LINE__, "no \"" + std::string(words) + "\" in: " + header.status().message); \
    }                                                                                                             \
  } while (false)

constexpr uint32_t kF32 = 0, kQ8_0 = 8;

/// A header with one tensor of 8 floats; `data` bytes follow.
RawBytes OneTensor(std::vector<uint64_t> dims, uint32_t type, uint64_t offset, size_t data) {
  RawBytes raw;
  raw.Preamble(1, 0).Tensor("a", std::move(dims), type, offset).AlignTo(32).Zeros(data);
  return raw;
}

TEST(AValidFileOfEachVersionIsRead) {
  for (const uint32_t version : {2u, 3u}) {
    RawBytes raw;
    raw.Preamble(2, 1, version).KeyU32("x.count", 7).Tensor("a", {8}, kF32, 0).Tensor("b", {32, 2}, kQ8_0, 32);
    raw.AlignTo(32).Zeros(32 + 68);
    const base::Result<Header> header = Parse(raw.bytes);
    if (!header.ok()) return test::Fail(__FILE__, __LINE__, header.status().message);
    CHECK_EQ(header->version, version);
    CHECK_EQ(header->tensors[1].file_offset, header->data_start + 32);
    CHECK_EQ(header->tensors[1].bytes, uint64_t{68});
    CHECK_EQ(header->tensors[1].n_weights, uint64_t{64});
    CHECK_EQ(header->tensors[1].dims[2], uint64_t{1});
  }
}

TEST(OtherFilesAndVersionsAreRefused) {
  EXPECT_REFUSED(RawBytes{}, kBadModelFile, "magic");
  EXPECT_REFUSED((RawBytes{{'P', 'K', 3, 4, 0, 0, 0, 0}}), kBadModelFile, "Not a GGUF file");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 0, 1), kUnsupportedModel, "version 1");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 0, 4), kUnsupportedModel, "version 4");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 0, 0x03000000), kUnsupportedModel, "big-endian");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 0, 0), kUnsupportedModel, "version 0");
}

TEST(CountsBeyondTheFileAreRefusedBeforeAllocating) {
  EXPECT_REFUSED(RawBytes{}.Preamble(0, uint64_t{1} << 63).Zeros(64), kBadModelFile, "metadata count");
  EXPECT_REFUSED(RawBytes{}.Preamble(uint64_t{1} << 63, 0).Zeros(64), kBadModelFile, "tensor count");
  EXPECT_REFUSED(RawBytes{}.Preamble(UINT64_MAX, UINT64_MAX), kBadModelFile, "count");
  // The file could hold these; what they would cost is out of proportion.
  EXPECT_REFUSED(RawBytes{}.Preamble(0, kMaxKeys + 1).Zeros(kMaxKeys * 15), kBadModelFile, "metadata count");
  EXPECT_REFUSED(RawBytes{}.Preamble(kMaxTensors + 1, 0).Zeros(kMaxTensors * 34), kBadModelFile, "tensor count");
}

TEST(StringsBeyondTheFileAreRefused) {
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 1).U64(UINT64_MAX).Zeros(64), kBadModelFile, "metadata key: a string of 1844");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 1).U64(70000).Zeros(70100), kBadModelFile, "at most 65535");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 1).String("k").Type(ValueType::kString).U64(1000).Zeros(999), kBadModelFile,
                 "a string of 1000 bytes, but only 999 are left");
  EXPECT_REFUSED(RawBytes{}.Preamble(1, 0).U64(256).Zeros(300), kBadModelFile, "tensor name");
}

TEST(BrokenMetadataIsRefused) {
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 1).String("").Type(ValueType::kU8).Zeros(16), kBadModelFile, "is empty");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 1).String("k").U32(13).Zeros(16), kBadModelFile, "\"k\": unknown type 13");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 1).String("k").Type(ValueType::kBool).Number(uint8_t{2}), kBadModelFile,
                 "neither 0 nor 1");
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 2).KeyU32("k", 1).KeyU32("k", 1), kBadModelFile, "\"k\" appears twice");
}

TEST(BrokenArraysAreRefused) {
  const auto array = [](ValueType type, uint64_t count) {
    return RawBytes{}.Preamble(0, 1).String("k").Type(ValueType::kArray).Type(type).U64(count);
  };
  EXPECT_REFUSED(array(ValueType::kArray, 1).Zeros(64), kBadModelFile, "array of arrays");
  EXPECT_REFUSED(array(ValueType{99}, 1).Zeros(64), kBadModelFile, "unknown array type 99");
  EXPECT_REFUSED(array(ValueType::kU64, uint64_t{1} << 61).Zeros(64), kBadModelFile, "but only 64 bytes are left");
  EXPECT_REFUSED(array(ValueType::kU8, 65).Zeros(64), kBadModelFile, "an array of 65 elements");
  EXPECT_REFUSED(array(ValueType::kString, 9).Zeros(64), kBadModelFile, "an array of 9 elements");
  EXPECT_REFUSED(array(ValueType::kBool, 3).Number(uint8_t{1}).Number(uint8_t{0}).Number(uint8_t{7}), kBadModelFile,
                 "neither 0 nor 1");
}

TEST(MetadataThatWouldFillTheMemoryIsRefused) {
  // 70 MiB of bytes would be kept as 560 MiB of 64-bit numbers.
  const size_t n = size_t{70} << 20;
  RawBytes raw;
  raw.Preamble(0, 1).String("k").Type(ValueType::kArray).Type(ValueType::kU8).U64(n).Zeros(n);
  EXPECT_REFUSED(raw, kBadModelFile, "512 MiB");
}

TEST(AHeaderBeyondItsCapIsRefused) {
  RawBytes raw;
  raw.Preamble(0, 2).String("k").Type(ValueType::kString).String(std::string(kMaxHeaderBytes - 100, 'x'));
  raw.KeyU32(std::string(100, 'y'), 1).Zeros(64);
  EXPECT_REFUSED(raw, kBadModelFile, "only ");
}

TEST(AlignmentMustBeASensiblePowerOfTwo) {
  for (const uint32_t bad : {0u, 1u, 3u, 4u, 48u, 1u << 21, 1u << 31, UINT32_MAX}) {
    RawBytes raw;
    raw.Preamble(0, 1).KeyU32("general.alignment", bad);
    EXPECT_REFUSED(raw, kBadModelFile, "general.alignment must be");
  }
  EXPECT_REFUSED(RawBytes{}.Preamble(0, 1).String("general.alignment").Type(ValueType::kString).String("32"),
                 kBadModelFile, "general.alignment must be");
  RawBytes raw;
  raw.Preamble(1, 1).KeyU32("general.alignment", 64).Tensor("a", {8}, kF32, 0).AlignTo(64).Zeros(32);
  const base::Result<Header> header = Parse(raw.bytes);
  REQUIRE(header.ok());
  CHECK_EQ(header->data_start % 64, uint64_t{0});
}

TEST(BrokenTensorShapesAreRefused) {
  EXPECT_REFUSED(OneTensor({}, kF32, 0, 64), kBadModelFile, "0 dimensions");
  EXPECT_REFUSED(OneTensor({1, 1, 1, 1, 1}, kF32, 0, 64), kBadModelFile, "5 dimensions");
  EXPECT_REFUSED(OneTensor({8, 0}, kF32, 0, 64), kBadModelFile, "dimension 1 is 0");
  EXPECT_REFUSED(OneTensor({uint64_t{1} << 32, uint64_t{1} << 32}, kF32, 0, 64), kBadModelFile, "overflow");
  EXPECT_REFUSED(OneTensor({uint64_t{1} << 62}, kF32, 0, 64), kBadModelFile, "size overflows");
  EXPECT_REFUSED(OneTensor({UINT64_MAX}, kF32, 0, 64), kBadModelFile, "size overflows");
  EXPECT_REFUSED(OneTensor({48}, kQ8_0, 0, 64), kBadModelFile, "a row of 48 is not a multiple of the Q8_0 block of 32");
  // 64 weights, but in rows of 16: as bad although the total fits.
  EXPECT_REFUSED(OneTensor({16, 4}, kQ8_0, 0, 68), kBadModelFile, "a row of 16");
}

TEST(UnknownTensorTypesAreNamed) {
  EXPECT_REFUSED(OneTensor({32}, 4, 0, 64), kUnsupportedModel, "tensor \"a\" has the unknown type 4");
  EXPECT_REFUSED(OneTensor({32}, UINT32_MAX, 0, 64), kUnsupportedModel, "unknown type 4294967295");
}

TEST(DataBeyondTheFileIsRefused) {
  CHECK(Parse(OneTensor({8}, kF32, 0, 32).bytes).ok());
  CHECK(Parse(OneTensor({8}, kF32, 32, 64).bytes).ok());
  EXPECT_REFUSED(OneTensor({8}, kF32, 0, 31), kBadModelFile, "lie beyond the file's");
  EXPECT_REFUSED(OneTensor({8}, kF32, 64, 64), kBadModelFile, "lie beyond");
  EXPECT_REFUSED(OneTensor({8}, kF32, UINT64_MAX - 31, 64), kBadModelFile, "lie beyond");
  EXPECT_REFUSED(OneTensor({8}, kF32, 16, 64), kBadModelFile, "offset 16 is not a multiple of the alignment 32");
}

TEST(TwoTensorsMayNotShareNamesOrBytes) {
  EXPECT_REFUSED(RawBytes{}.Preamble(2, 0).Tensor("a", {8}, kF32, 0).Tensor("a", {8}, kF32, 32).Zeros(128),
                 kBadModelFile, "\"a\" appears twice");
  EXPECT_REFUSED(RawBytes{}.Preamble(2, 0).Tensor("a", {16}, kF32, 32).Tensor("b", {16}, kF32, 0).Zeros(256),
                 kBadModelFile, "\"b\" and \"a\" overlap");
  EXPECT_REFUSED(RawBytes{}.Preamble(2, 0).Tensor("a", {8}, kF32, 0).Tensor("b", {8}, kF32, 0).Zeros(256),
                 kBadModelFile, "overlap");
}

TEST(HostileNamesCannotSpoilMessages) {
  RawBytes raw;
  raw.Preamble(2, 0).Tensor("\x1b[31m\n\"", {8}, kF32, 0).Tensor("\x1b[31m\n\"", {8}, kF32, 32).Zeros(128);
  EXPECT_REFUSED(raw, kBadModelFile, "\"?[31m??\"");
}

/// A small file with a value of every type and two tensors; the data ends with the file.
std::vector<uint8_t> Sample() {
  HeaderBuilder builder;
  builder.Set("u8", uint8_t{1});
  builder.Set("text", std::string("hello"));
  builder.Set("flag", true);
  builder.Set("f", 1.5f);
  builder.Set("strings", std::vector<std::string>{"a", "", "ccc"});
  builder.Set("numbers", std::vector<int32_t>{-1, 2});
  const uint64_t a[] = {8}, b[] = {32, 2};
  CHECK(builder.AddTensor("a", quant::TensorType::kF32, a).ok());
  CHECK(builder.AddTensor("b", quant::TensorType::kQ8_0, b).ok());
  std::vector<uint8_t> bytes = builder.Build();
  bytes.resize(bytes.size() + 32 + 68, 0x5a);
  return bytes;
}

TEST(EveryTruncationIsRefused) {
  const std::vector<uint8_t> whole = Sample();
  REQUIRE(Parse(whole).ok());
  for (size_t n = 0; n < whole.size(); ++n) {
    if (!Parse({whole.begin(), whole.begin() + static_cast<ptrdiff_t>(n)}).ok()) continue;
    return test::Fail(__FILE__, __LINE__, "accepted the first " + std::to_string(n) + " bytes");
  }
}

/// What a parser promised about a header must hold whatever the bytes were.
bool HoldsItsPromises(const Header& header, uint64_t file_size) {
  for (const TensorInfo& tensor : header.tensors) {
    if (!base::FitsWithin(tensor.file_offset, tensor.bytes, file_size) || tensor.n_weights == 0) return false;
  }
  return header.metadata.size() == header.value_ranges.size() && header.table_end <= file_size;
}

TEST(EveryByteMayBeFlipped) {
  const std::vector<uint8_t> whole = Sample();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const uint8_t flip : {0x01, 0x80, 0xff}) {
      std::vector<uint8_t> bytes = whole;
      bytes[at] ^= flip;
      const base::Result<Header> header = Parse(bytes);
      if (header.ok() ? !HoldsItsPromises(*header, bytes.size()) : header.status().message.empty()) {
        return test::Fail(__FILE__, __LINE__, "byte " + std::to_string(at));
      }
    }
  }
}

TEST(RandomDamageIsSurvived) {
  const std::vector<uint8_t> whole = Sample();
  std::mt19937 random(3);
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes = whole;
    for (uint32_t n = random() % 4 + 1; n > 0; --n) bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
    const base::Result<Header> header = Parse(bytes);
    if (header.ok() && !HoldsItsPromises(*header, bytes.size())) {
      return test::Fail(__FILE__, __LINE__, "round " + std::to_string(round));
    }
  }
}

}  // namespace
}  // namespace zell::gguf

ZELL_TEST_MAIN
