// Reading, mapping, locking and replacing files, on a real file system.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/atomic_file.h"
#include "base/file_lock.h"
#include "base/mapped_file.h"
#include "base/os.h"
#include "base/read_file.h"
#include "base/stream_pair.h"
#include "check.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace zell::base {
namespace {

namespace fs = std::filesystem;

/// A folder that goes with the test.
struct TempFolder {
  fs::path path = fs::temp_directory_path() / ("zell-files-" + std::to_string(ProcessId()));
  TempFolder() { fs::create_directories(path); }
  ~TempFolder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
};

std::span<const uint8_t> Bytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

void WriteText(const std::string& path, const std::string& text) { std::ofstream(path, std::ios::binary) << text; }

std::string ReadText(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(ReadAtGivesExactlyTheRange) {
  const TempFolder folder;
  WriteText(folder / "a", "0123456789");
  const Result<ReadFile> file = ReadFile::Open(folder / "a");
  REQUIRE(file.ok());
  CHECK_EQ(file->size(), uint64_t{10});
  std::string out(4, ' ');
  const std::span<uint8_t> span(reinterpret_cast<uint8_t*>(out.data()), out.size());
  CHECK(file->ReadAt(6, span).ok());
  CHECK_EQ(out, "6789");
  CHECK(file->ReadAt(7, span).code == StatusCode::kIo);
  CHECK(file->ReadAt(UINT64_MAX, span).code == StatusCode::kIo);
  CHECK(file->ReadAt(10, {}).ok());
}

TEST(AFileThatShrankIsAnErrorNotACrash) {
  const TempFolder folder;
  WriteText(folder / "a", "0123456789");
  const Result<ReadFile> file = ReadFile::Open(folder / "a");
  REQUIRE(file.ok());
  fs::resize_file(folder / "a", 3);
  uint8_t out[5];
  CHECK(file->ReadAt(2, out).code == StatusCode::kIo);
}

TEST(MissingFilesFoldersAndPipesAreRefused) {
  const TempFolder folder;
  CHECK(ReadFile::Open(folder / "none").status().code == StatusCode::kNotFound);
  CHECK(ReadFile::Open(folder.path.string()).status().code == StatusCode::kIo);
#if !defined(_WIN32)
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(ReadFile::Open(folder / "pipe").status().code == StatusCode::kIo);  // and does not wait for a writer
#endif
}

TEST(AMappingShowsTheFileAndOutlivesItsHandle) {
  const TempFolder folder;
  WriteText(folder / "a", "hello");
  Result<MappedFile> map = [&] {
    const Result<ReadFile> file = ReadFile::Open(folder / "a");
    return MappedFile::Map(*file);
  }();
  REQUIRE(map.ok());
  const MappedFile moved(std::move(*map));
  CHECK_EQ(std::string(moved.bytes().begin(), moved.bytes().end()), "hello");
  moved.Advise(1, UINT64_MAX, MappedFile::Advice::kWillNeed);
  moved.Advise(99, 1, MappedFile::Advice::kDontNeed);
}

/// A file of four large pages and a bit, and its mapping.
struct LargeMapping {
  TempFolder folder;
  std::vector<uint8_t> content;
  Result<ReadFile> file = Status{StatusCode::kIo, ""};
  Result<MappedFile> map = Status{StatusCode::kIo, ""};
  LargeMapping() : content(4 * kHugePage + 5000) {
    for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<uint8_t>(i * 31 + i / 4096);
    std::ofstream(folder / "a", std::ios::binary)
        .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    file = ReadFile::Open(folder / "a");
    if (file.ok()) map = MappedFile::Map(*file);
  }
  bool Same(size_t first, size_t end) const {
    const auto bytes = map->bytes();
    return std::equal(bytes.begin() + static_cast<ptrdiff_t>(first), bytes.begin() + static_cast<ptrdiff_t>(end),
                      content.begin() + static_cast<ptrdiff_t>(first));
  }
};

TEST(LargePagesReplaceAMappingWhileItIsRead) {
  const LargeMapping m;
  REQUIRE(m.file.ok() && m.map.ok());
  if (!LargePagesAvailable()) {
    CHECK(m.map->Replace(*m.file, 0, 1).code == StatusCode::kUnsupported);
    return;
  }
  REQUIRE(m.map->large_pages() == 4);
  std::atomic<bool> stop = false, same = true;
  std::atomic<int> rounds = 0;
  std::thread reader([&] {
    for (; !stop; ++rounds) {
      if (!m.Same(0, m.content.size())) same = false;
    }
  });
  for (const auto& [first, count] : {std::pair<uint64_t, size_t>{3, 1}, {0, 2}, {2, 1}, {0, 4}}) {
    for (const int seen = rounds; rounds < seen + 2;) std::this_thread::yield();
    CHECK(m.map->Replace(*m.file, first, count).ok());
  }
  for (const int seen = rounds; rounds < seen + 2;) std::this_thread::yield();
  stop = true;
  reader.join();
  CHECK(same);
  CHECK(m.map->Replace(*m.file, 4, 1).code == StatusCode::kInvalidRequest);
  CHECK(m.map->Replace(*m.file, 3, 2).code == StatusCode::kInvalidRequest);
  CHECK(m.map->Replace(*m.file, 1, SIZE_MAX).code == StatusCode::kInvalidRequest);
}

TEST(WhatCannotBeReadStaysMapped) {
  const LargeMapping m;
  REQUIRE(m.file.ok() && m.map.ok());
  if (!LargePagesAvailable()) return;
  fs::resize_file(m.folder / "a", 3 * kHugePage + 100);
  CHECK(m.map->Replace(*m.file, 2, 2).code == StatusCode::kIo);
  CHECK(m.Same(0, 3 * kHugePage + 100));
  // Not replaced: the file still shows through.
  std::fstream(m.folder / "a", std::ios::binary | std::ios::in | std::ios::out).seekp(2 * kHugePage).put('!');
  CHECK_EQ(int{m.map->bytes()[2 * kHugePage]}, int{'!'});
}

TEST(AnEmptyFileMapsToNothing) {
  const TempFolder folder;
  WriteText(folder / "a", "");
  const Result<ReadFile> file = ReadFile::Open(folder / "a");
  REQUIRE(file.ok());
  const Result<MappedFile> map = MappedFile::Map(*file);
  REQUIRE(map.ok());
  CHECK(map->bytes().empty());
}

TEST(OneLockExcludesTheNextUntilItGoes) {
  const TempFolder folder;
  {
    Result<FileLock> first = FileLock::Try(folder / "lock");
    REQUIRE(first.ok());
    const FileLock moved(std::move(*first));
    CHECK(FileLock::Try(folder / "lock").status().code == StatusCode::kAlreadyRunning);
  }
  CHECK(FileLock::Try(folder / "lock").ok());
  CHECK(!FileLock::Try(folder / "no folder" + std::string("/lock")).ok());
}

#if !defined(_WIN32)
TEST(WhatOneEndOfAPairWritesTheOtherReads) {
  const Result<StreamPair> pair = StreamPair::Open();
  REQUIRE(pair.ok());
  for (const auto& [from, to] : {std::pair{pair->own, pair->child}, std::pair{pair->child, pair->own}}) {
    CHECK_EQ(::write(from, "word", 4), ssize_t{4});
    char text[8] = {};
    CHECK_EQ(::read(to, text, sizeof(text)), ssize_t{4});
    CHECK_EQ(std::string(text), "word");
    CHECK((::fcntl(from, F_GETFD) & FD_CLOEXEC) != 0);
  }
  ::close(pair->child);
  char text[8];
  CHECK_EQ(::read(pair->own, text, sizeof(text)), ssize_t{0});
  ::close(pair->own);
}

// The host starts children; one that outlives it must not keep the lock.
TEST(AChildProcessDoesNotInheritTheLock) {
  const TempFolder folder;
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  pid_t child = -1;
  {
    const Result<FileLock> lock = FileLock::Try(folder / "lock");
    REQUIRE(lock.ok());
    child = ::fork();
    if (child == 0) {
      ::execlp("sh", "sh", "-c", ("echo x >&" + std::to_string(ready[1]) + "; exec sleep 5").c_str(), nullptr);
      ::_exit(127);
    }
    char byte;
    CHECK(::read(ready[0], &byte, 1) == 1);  // sleep is what runs now, or soon
  }
  CHECK(FileLock::Try(folder / "lock").ok());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(LockFilesArePrivate) {
  const TempFolder folder;
  REQUIRE(FileLock::Try(folder / "lock").ok());
  struct stat info {};
  REQUIRE(::stat((folder / "lock").c_str(), &info) == 0);
  CHECK_EQ(info.st_mode & 0777u, 0600u);
}
#endif

TEST(AnAtomicFileAppearsOnlyWhenCommitted) {
  const TempFolder folder;
  WriteText(folder / "a", "old");
  {
    Result<AtomicFile> file = AtomicFile::Create(folder / "a");
    REQUIRE(file.ok());
    CHECK(file->Write(Bytes("new ")).ok());
    CHECK(file->Write(Bytes("text")).ok());
    CHECK_EQ(file->bytes_written(), uint64_t{8});
    CHECK_EQ(ReadText(folder / "a"), "old");
    CHECK(file->Commit().ok());
  }
  CHECK_EQ(ReadText(folder / "a"), "new text");
  CHECK_EQ(std::distance(fs::directory_iterator(folder.path), {}), ptrdiff_t{1});
}

TEST(AnAbandonedAtomicFileLeavesNothing) {
  const TempFolder folder;
  {
    Result<AtomicFile> file = AtomicFile::Create(folder / "a");
    REQUIRE(file.ok());
    CHECK(file->Write(Bytes("half")).ok());
  }
  CHECK(fs::is_empty(folder.path));
  CHECK(AtomicFile::Create(folder / "none" + std::string("/a")).status().code == StatusCode::kNotFound);
}

}  // namespace
}  // namespace zell::base

ZELL_TEST_MAIN
