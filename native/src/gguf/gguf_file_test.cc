// Files on disk: writer to reader, typed look-ups, split sets, the model hash.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "check.h"
#include "gguf/file.h"
#include "gguf/shards.h"
#include "gguf/writer.h"

namespace zell::gguf {
namespace {

namespace fs = std::filesystem;
using base::Result;
using base::StatusCode;
using quant::TensorType;

struct TempFolder {
  fs::path path;
  TempFolder() {
    static int counter = 0;
    // The address of a local makes it ours among test programs that run at the same time.
    path = fs::temp_directory_path() /
           ("zell-gguf-" + std::to_string(reinterpret_cast<uintptr_t>(this)) + "-" + std::to_string(counter++));
    fs::create_directories(path);
  }
  ~TempFolder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
};

std::vector<uint8_t> Data(size_t n, uint8_t first) {
  std::vector<uint8_t> bytes(n);
  for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(first + i * 7);
  return bytes;
}

using File1D = std::vector<std::pair<std::string, uint64_t>>;

/// Writes F32 vectors filled with Data(…, seed, seed + 1 …).
void WriteFile(const std::string& path, HeaderBuilder header, const File1D& tensors, uint8_t seed = 1) {
  for (const auto& [name, n] : tensors) CHECK(header.AddTensor(name, TensorType::kF32, std::span(&n, 1)).ok());
  Result<FileWriter> writer = FileWriter::Create(path, header);
  REQUIRE(writer.ok());
  for (const auto& [name, n] : tensors) CHECK(writer->Append(Data(n * 4, seed++)).ok());
  CHECK(writer->Commit().ok());
}

TEST(WhatIsWrittenIsRead) {
  const TempFolder folder;
  HeaderBuilder header;
  header.Set("u8", uint8_t{200});
  header.Set("i8", int8_t{-3});
  header.Set("u16", uint16_t{65535});
  header.Set("i16", int16_t{-300});
  header.Set("u32", uint32_t{4000000000});
  header.Set("i32", int32_t{-5});
  header.Set("u64", uint64_t{1} << 63);
  header.Set("i64", int64_t{-1} << 62);
  header.Set("f32", 0.5f);
  header.Set("f64", 1e300);
  header.Set("flag", true);
  header.Set("text", std::string("héllo\0x", 8));
  header.Set("strings", std::vector<std::string>{"a", "", "ccc"});
  header.Set("ids", std::vector<int32_t>{-1, 7});
  header.Set("scores", std::vector<float>{0.25f});
  header.Set("u8", uint8_t{201});  // replaces
  const uint64_t matrix[] = {64, 3}, vector[] = {5};
  CHECK(header.AddTensor("m", TensorType::kQ8_0, matrix).ok());
  CHECK(header.AddTensor("v", TensorType::kF32, vector).ok());
  Result<FileWriter> writer = FileWriter::Create(folder / "a.gguf", header);
  REQUIRE(writer.ok());
  const std::vector<uint8_t> m = Data(204, 1), v = Data(20, 9);
  CHECK(writer->Append(std::span(m).first(100)).ok());
  CHECK(writer->Append(std::span(m).subspan(100)).ok());
  CHECK(!fs::exists(folder / "a.gguf"));
  CHECK(writer->Append(v).ok());
  CHECK(writer->Commit().ok());

  const Result<std::shared_ptr<const File>> opened = File::Open(folder / "a.gguf");
  if (!opened.ok()) return test::Fail(__FILE__, __LINE__, opened.status().message);
  const File& file = **opened;
  CHECK_EQ(file.version(), 3u);
  CHECK_EQ(file.metadata().size(), size_t{15});
  CHECK_EQ(file.metadata()[0].first, "u8");
  CHECK_EQ(file.U64("u8").value_or(0), uint64_t{201});
  CHECK_EQ(file.I64("i8").value_or(0), int64_t{-3});
  CHECK_EQ(file.U64("u16").value_or(0), uint64_t{65535});
  CHECK_EQ(file.I64("i16").value_or(0), int64_t{-300});
  CHECK_EQ(file.U64("u32").value_or(0), uint64_t{4000000000});
  CHECK_EQ(file.I64("i32").value_or(0), int64_t{-5});
  CHECK_EQ(file.U64("u64").value_or(0), uint64_t{1} << 63);
  CHECK_EQ(file.F64("f32").value_or(0), 0.5);
  CHECK_EQ(file.F64("f64").value_or(0), 1e300);
  CHECK_EQ(file.Bool("flag").value_or(false), true);
  CHECK_EQ(file.Str("text").value_or(""), std::string_view("héllo\0x", 8));
  REQUIRE(file.Strings("strings") != nullptr);
  CHECK_EQ((*file.Strings("strings"))[2], "ccc");
  CHECK((std::get<std::vector<int64_t>>(*file.Find("ids")) == std::vector<int64_t>{-1, 7}));
  CHECK((std::get<std::vector<double>>(*file.Find("scores")) == std::vector<double>{0.25}));

  REQUIRE(file.tensors().size() == 2 && file.FindTensor("v") != nullptr);
  CHECK_EQ(file.tensors()[0].dims[1], uint64_t{3});
  const std::span<const uint8_t> data = file.data(*file.FindTensor("v"));
  CHECK((std::vector<uint8_t>(data.begin(), data.end()) == v));
  CHECK_EQ(reinterpret_cast<uintptr_t>(data.data()) % 32, uintptr_t{0});
  CHECK(std::equal(m.begin(), m.end(), file.data(file.tensors()[0]).begin()));
  CHECK(file.FindTensor("w") == nullptr);
  CHECK_EQ(file.total_bytes(), uint64_t{fs::file_size(folder / "a.gguf")});
}

TEST(NumbersConvertOnlyWhenTheyFit) {
  const TempFolder folder;
  HeaderBuilder header;
  header.Set("negative", int32_t{-1});
  header.Set("large", UINT64_MAX);
  header.Set("whole", 32.0f);
  header.Set("half", 0.5f);
  header.Set("infinite", std::vector<float>{INFINITY}.front());
  header.Set("not a number", NAN);
  header.Set("flag", true);
  header.Set("text", std::string("7"));
  WriteFile(folder / "a.gguf", header, {});
  const Result<std::shared_ptr<const File>> opened = File::Open(folder / "a.gguf");
  REQUIRE(opened.ok());
  const File& file = **opened;
  CHECK(!file.U64("negative"));
  CHECK(!file.I64("large"));
  CHECK(!file.F64("large"));
  CHECK_EQ(file.U64("whole").value_or(0), uint64_t{32});
  for (const char* key : {"half", "infinite", "not a number", "flag", "text", "absent"}) {
    CHECK(!file.U64(key));
    CHECK(!file.I64(key));
  }
  CHECK_EQ(file.F64("negative").value_or(0), -1.0);
  CHECK(!file.Bool("whole"));
  CHECK(!file.Str("flag"));
  CHECK(file.Strings("text") == nullptr);
}

TEST(RawValuesCopyWithTheirWidth) {
  const TempFolder folder;
  HeaderBuilder first, second;
  first.Set("width", uint16_t{7});
  first.Set("tokens", std::vector<std::string>{"a", "b"});
  WriteFile(folder / "a.gguf", first, {});
  const Result<std::shared_ptr<const File>> a = File::Open(folder / "a.gguf");
  REQUIRE(a.ok());
  for (const auto& [key, value] : (*a)->metadata()) {
    Result<std::vector<uint8_t>> raw = (*a)->RawValue(key);
    REQUIRE(raw.ok());
    second.SetRaw(key, std::move(*raw));
  }
  CHECK(first.Build() == second.Build());
  CHECK((*a)->RawValue("none").status().code == StatusCode::kNotFound);
}

TEST(TheWriterRefusesWhatAReaderWould) {
  const TempFolder folder;
  HeaderBuilder header;
  const uint64_t five[] = {1, 1, 1, 1, 1}, zero[] = {0}, odd[] = {33}, huge[] = {UINT64_MAX, 2}, fine[] = {4};
  const auto refuses = [&](const char* name, TensorType type, std::span<const uint64_t> dims) {
    return header.AddTensor(name, type, dims).code == StatusCode::kInvalidRequest;
  };
  CHECK(refuses("a", TensorType::kF32, five));
  CHECK(refuses("a", TensorType::kF32, {}));
  CHECK(refuses("a", TensorType::kF32, zero));
  CHECK(refuses("a", TensorType::kQ4_0, odd));
  CHECK(refuses("a", TensorType::kF32, huge));
  CHECK(refuses("", TensorType::kF32, fine));
  CHECK(header.AddTensor("a", TensorType::kF32, fine).ok());
  CHECK(refuses("a", TensorType::kF32, fine));
  Result<FileWriter> writer = FileWriter::Create(folder / "a.gguf", header);
  REQUIRE(writer.ok());
  CHECK(writer->Append(Data(17, 0)).code == StatusCode::kInvalidRequest);
  CHECK(writer->Commit().code == StatusCode::kInvalidRequest);
  CHECK(writer->Append(Data(16, 0)).ok());
  CHECK(writer->Append(Data(1, 0)).code == StatusCode::kInvalidRequest);
  CHECK(writer->Commit().ok());
}

TEST(OpenErrorsNameTheFile) {
  const TempFolder folder;
  CHECK(File::Open(folder / "none.gguf").status().code == StatusCode::kNotFound);
  CHECK(File::Open(folder.path.string()).status().code == StatusCode::kIo);
  std::ofstream(folder / "text.gguf") << "hello";
  const base::Status status = File::Open(folder / "text.gguf").status();
  CHECK(status.code == StatusCode::kBadModelFile);
  CHECK(status.message.find("text.gguf: Not a GGUF file") != std::string::npos);
}

TEST(ShardNamesAreRecognised) {
  const std::optional<ShardName> name = ParseShardName("/m/x-00002-of-00010.gguf");
  REQUIRE(name.has_value());
  CHECK_EQ(name->prefix, "/m/x");
  CHECK_EQ(name->number, 2u);
  CHECK_EQ(name->count, 10u);
  CHECK_EQ(ShardPath(name->prefix, 3, 10), "/m/x-00003-of-00010.gguf");
  for (const char* other : {"x.gguf", "-00001-of-00002.gguf", "x-00000-of-00002.gguf", "x-00003-of-00002.gguf",
                            "x-0000a-of-00002.gguf", "x-00001-of-99999.gguf", "x-00001-of-00002.ggu"}) {
    CHECK(!ParseShardName(other));
  }
}

/// Three files: tensors a, b | c | d, e.
struct SplitSet {
  TempFolder folder;
  std::string Path(uint32_t number) const { return ShardPath(folder / "m", number, 3); }
  static HeaderBuilder Header(uint16_t number, uint16_t count = 3, int32_t n_tensors = 5) {
    HeaderBuilder header;
    if (number == 0) header.Set("general.name", std::string("set"));
    header.Set("split.no", number);
    header.Set("split.count", count);
    header.Set("split.tensors.count", n_tensors);
    return header;
  }
  SplitSet() {
    WriteFile(Path(1), Header(0), {{"a", 3}, {"b", 8}}, 1);
    WriteFile(Path(2), Header(1), {{"c", 100}}, 10);
    WriteFile(Path(3), Header(2), {{"d", 5}, {"e", 6}}, 20);
  }
};

TEST(AnyFileOfASetOpensTheWholeSet) {
  const SplitSet set;
  std::string hash;
  for (uint32_t named = 1; named <= 3; ++named) {
    const Result<std::shared_ptr<const File>> opened = File::Open(set.Path(named));
    if (!opened.ok()) return test::Fail(__FILE__, __LINE__, opened.status().message);
    const File& file = **opened;
    CHECK_EQ(file.Str("general.name").value_or(""), "set");
    CHECK_EQ(file.paths().size(), size_t{3});
    CHECK_EQ(file.tensors().size(), size_t{5});
    const TensorInfo* e = file.FindTensor("e");
    REQUIRE(e != nullptr);
    CHECK_EQ(e->shard, 2u);
    const std::vector<uint8_t> expected = Data(24, 21);
    CHECK(std::equal(expected.begin(), expected.end(), file.data(*e).begin(), file.data(*e).end()));
    const Result<std::string> own_hash = file.ModelHash();
    REQUIRE(own_hash.ok());
    if (named > 1) CHECK_EQ(*own_hash, hash);
    hash = *own_hash;
  }
}

void ExpectRefused(const std::string& path, StatusCode code, const char* words) {
  const base::Status status = File::Open(path).status();
  CHECK(status.code == code);
  if (status.message.find(words) == std::string::npos) test::Fail(__FILE__, __LINE__, status.message);
}

TEST(ABrokenSetIsRefused) {
  const SplitSet set;
  fs::rename(set.Path(2), set.folder / "away");
  ExpectRefused(set.Path(3), StatusCode::kNotFound, "Part 2 of 3 of the model is missing");
  fs::copy_file(set.Path(3), set.Path(2));
  ExpectRefused(set.Path(1), StatusCode::kBadModelFile, "another part");
  WriteFile(set.Path(2), SplitSet::Header(1), {{"c", 1}, {"x", 1}});
  ExpectRefused(set.Path(1), StatusCode::kBadModelFile, "promises 5 tensors, the files hold 6");
  WriteFile(set.Path(2), SplitSet::Header(1), {{"a", 1}});
  ExpectRefused(set.Path(1), StatusCode::kBadModelFile, "\"a\" appears in two files");
  WriteFile(set.Path(2), SplitSet::Header(1, 4), {{"c", 1}});
  ExpectRefused(set.Path(1), StatusCode::kBadModelFile, "another part");
  fs::rename(set.folder / "away", set.folder / "renamed.gguf");
  ExpectRefused(set.folder / "renamed.gguf", StatusCode::kBadModelFile, "its name must end in");
}

TEST(TheModelHashFollowsContentNotPath) {
  const TempFolder folder;
  const auto hash_of = [&](const std::string& name) {
    const Result<std::shared_ptr<const File>> file = File::Open(folder / name, {.map_data = false});
    CHECK(file.ok());
    const Result<std::string> hash = (*file)->ModelHash();
    CHECK(hash.ok());
    CHECK_EQ(hash->size(), size_t{16});
    return *hash;
  };
  HeaderBuilder header, other;
  header.Set("k", uint32_t{1});
  other.Set("k", uint32_t{2});
  WriteFile(folder / "a.gguf", header, {{"t", 5000}, {"s", 10}});
  fs::copy_file(folder / "a.gguf", folder / "b.gguf");
  const std::string hash = hash_of("a.gguf");
  CHECK_EQ(hash_of("b.gguf"), hash);
  WriteFile(folder / "metadata.gguf", other, {{"t", 5000}, {"s", 10}});
  CHECK(hash_of("metadata.gguf") != hash);
  WriteFile(folder / "name.gguf", header, {{"u", 5000}, {"s", 10}});
  CHECK(hash_of("name.gguf") != hash);
  // One flipped bit at the start, the middle and the end of the large tensor, and in the small one.
  const uint64_t size = fs::file_size(folder / "a.gguf"), small = 64, large = 20000;  // 40 bytes, padded
  for (const uint64_t from_end : {small + large, small + large / 2, small + 1, uint64_t{30}}) {
    fs::copy_file(folder / "a.gguf", folder / "c.gguf", fs::copy_options::overwrite_existing);
    std::fstream stream(folder / "c.gguf", std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(static_cast<std::streamoff>(size - from_end));
    const char byte = static_cast<char>(stream.get() ^ 1);
    stream.seekp(static_cast<std::streamoff>(size - from_end));
    stream.put(byte);
    stream.close();
    CHECK(hash_of("c.gguf") != hash);
  }
}

// The definition in docs/formats/model-hash.md, spelled out: adapters and profiles carry this name for years.
TEST(TheModelHashNeverChanges) {
  const TempFolder folder;
  HeaderBuilder header;
  header.Set("k", uint32_t{1});
  WriteFile(folder / "a.gguf", header, {{"t", 5000}, {"s", 10}});
  const Result<std::shared_ptr<const File>> file = File::Open(folder / "a.gguf");
  REQUIRE(file.ok());
  CHECK_EQ(*(*file)->ModelHash(), "6a8163130ec844fd");
}

}  // namespace
}  // namespace zell::gguf

ZELL_TEST_MAIN
