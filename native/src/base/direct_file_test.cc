// Reads past the cache: the file's bytes, its end, and files that change meanwhile.
#include "base/direct_file.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/os.h"
#include "check.h"

namespace zell::base {
namespace {

namespace fs = std::filesystem;

struct TempFile {
  std::string path = (fs::temp_directory_path() / ("zell-direct-" + std::to_string(ProcessId()))).string();
  explicit TempFile(size_t size) { Write(size); }
  ~TempFile() { fs::remove(path); }
  void Write(size_t size, char first = 0) const {
    std::string text(size, ' ');
    for (size_t i = 0; i < size; ++i) text[i] = static_cast<char>(first + static_cast<char>(i % 251));
    std::ofstream(path, std::ios::binary) << text;
  }
};

/// Large enough that its memory begins at a page.
AlignedBuffer<uint8_t> Room() { return AlignedBuffer<uint8_t>(kHugePage / 2); }

Result<DirectFile> Open(const std::string& path) {
  const Result<ReadFile> file = ReadFile::Open(path);
  if (!file.ok()) return file.status();
  return DirectFile::Open(path, *file);
}

}  // namespace

TEST(DirectReadsGiveTheBytesUpToTheEnd) {
  const TempFile file(3 * kDirectAlignment + 100);
  const Result<DirectFile> direct = Open(file.path);
  REQUIRE(direct.ok());
  CHECK_EQ(direct->size(), uint64_t{3 * kDirectAlignment + 100});
  AlignedBuffer<uint8_t> room = Room();
  const std::span<uint8_t> out = room.span().first(2 * kDirectAlignment);
  CHECK_EQ(direct->ReadAt(kDirectAlignment, out).message, "");
  for (size_t i = 0; i < out.size(); ++i) REQUIRE(out[i] == (kDirectAlignment + i) % 251);
  // The last read ends with the file.
  CHECK_EQ(direct->ReadAt(2 * kDirectAlignment, out).message, "");
  for (size_t i = 0; i < kDirectAlignment + 100; ++i) REQUIRE(out[i] == (2 * kDirectAlignment + i) % 251);
  CHECK(direct->ReadAt(4 * kDirectAlignment, out).code == StatusCode::kIo);
}

TEST(DirectReadsThatAreNotAlignedAreOurMistake) {
  const TempFile file(3 * kDirectAlignment);
  const Result<DirectFile> direct = Open(file.path);
  REQUIRE(direct.ok());
  AlignedBuffer<uint8_t> room = Room();
  CHECK(direct->ReadAt(1, room.span().first(kDirectAlignment)).code == StatusCode::kInternal);
  CHECK(direct->ReadAt(0, room.span().first(100)).code == StatusCode::kInternal);
  CHECK(direct->ReadAt(0, room.span().subspan(64, kDirectAlignment)).code == StatusCode::kInternal);
}

TEST(AFileThatChangesIsNoticed) {
  const TempFile file(3 * kDirectAlignment);
  AlignedBuffer<uint8_t> room = Room();
  const std::span<uint8_t> out = room.span().first(kDirectAlignment);
  {
    const Result<DirectFile> direct = Open(file.path);
    REQUIRE(direct.ok());
    fs::resize_file(file.path, kDirectAlignment);
    const Status status = direct->ReadAt(2 * kDirectAlignment, out);
    CHECK(status.code == StatusCode::kIo);
    CHECK(status.message.find("changed") != std::string::npos);
  }
  const Result<DirectFile> direct = Open(file.path);
  REQUIRE(direct.ok());
  file.Write(kDirectAlignment, 7);  // as long as before, other bytes
  fs::last_write_time(file.path, fs::last_write_time(file.path) + std::chrono::seconds(1));
  CHECK(direct->ReadAt(0, out).message.find("changed") != std::string::npos);
}

TEST(AnotherFileUnderTheNameIsRefused) {
  const TempFile file(kDirectAlignment);
  const Result<ReadFile> first = ReadFile::Open(file.path);
  REQUIRE(first.ok());
  const std::string moved = file.path + ".old";
  fs::rename(file.path, moved);
  file.Write(kDirectAlignment);
  const Result<DirectFile> direct = DirectFile::Open(file.path, *first);
  CHECK(!direct.ok() && direct.status().message.find("changed") != std::string::npos);
  fs::remove(moved);
}

}  // namespace zell::base

ZELL_TEST_MAIN
