// Real limits: a process in a control group with twice to a third of the file's size runs or refuses, and is never
// killed.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>

#include "check.h"
#include "runtime/engine.h"
#include "small_model.h"

#if defined(__linux__)
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace zell;
namespace fs = std::filesystem;

#if defined(__linux__)

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;  // whose own memory no plan knows of
#else
constexpr bool kSanitized = false;
#endif

// A group below that of this process; gone with the object.
class Group {
 public:
  Group() {
    for (const auto& [root, limit] :
         {std::pair{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, std::pair{"/sys/fs/cgroup", "memory.max"}}) {
      std::error_code error;
      const fs::path path = fs::path(root) / ("zell-test-" + std::to_string(::getpid()));
      if (!fs::exists(fs::path(root) / "cgroup.procs") || !fs::create_directory(path, error) || error) continue;
      path_ = path;
      limit_ = limit;
      if (SetLimit(uint64_t{1} << 30)) return;
      ::rmdir(path_.c_str());
      path_.clear();
    }
  }
  ~Group() {
    if (!path_.empty()) ::rmdir(path_.c_str());
  }
  bool ok() const { return !path_.empty(); }
  bool SetLimit(uint64_t bytes) const { return Write(path_ / limit_, std::to_string(bytes)); }
  bool Enter() const { return Write(path_ / "cgroup.procs", std::to_string(::getpid())); }

 private:
  static bool Write(const fs::path& path, const std::string& text) {
    std::ofstream stream(path);
    return static_cast<bool>(stream << text << std::flush);
  }
  fs::path path_;
  std::string limit_;
};

constexpr int kRan = 10, kStreamed = 11, kRefused = 12, kFailed = 13;

// In a process of its own: loads, evaluates a prompt and some tokens.
int RunLimited(const std::string& path) {
  const std::atomic<bool> never = false;
  const runtime::LoadOptions options{.threads = 2, .context_length = 512, .max_sequences = 1};
  auto engine = runtime::Engine::Load(path, options, nullptr, never);
  if (!engine.ok()) return engine.status().code == base::StatusCode::kOutOfMemory ? kRefused : kFailed;
  const uint32_t sequence = (*engine)->CreateSequence();
  for (int i = 0; i < 8; ++i) {
    std::vector<runtime::StepItem> items(1);
    items[0].sequence = sequence;
    items[0].tokens.assign(i == 0 ? 200 : 1, 17 + i);
    std::promise<bool> right;
    const auto done = [&](auto result) { right.set_value(result.ok() && (*result)[0].status.ok()); };
    if (!(*engine)->Step(std::move(items), done).ok() || !right.get_future().get()) return kFailed;
  }
  return (*engine)->summary().memory.streams() ? kStreamed : kRan;
}

// Out of the file cache, where it would be charged to whoever wrote it.
void Forget(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) return;
  (void)::fsync(fd);
  (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

}  // namespace

TEST(any_limit_runs_or_refuses_and_kills_nobody) {
  if (kSanitized) SKIP("sanitizers need memory of their own");
  const Group group;
  if (!group.ok()) SKIP("no right to make a control group");
  // Some 170 MB, of them 160 of experts.
  const std::string path =
      test::WriteSmallModel({.layers = 6, .width = 768, .ffn = 1024, .experts = 11}, "memory_limit");
  REQUIRE(!path.empty());
  const uint64_t file = fs::file_size(path);
  int streamed = 0;
  for (const double share : {2.0, 1.0, 0.65, 0.45, 1.0 / 3, 0.1}) {
    Forget(path);
    REQUIRE(group.SetLimit(static_cast<uint64_t>(share * static_cast<double>(file))));
    std::fflush(stdout);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) ::_exit(group.Enter() ? RunLimited(path) : kFailed);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    std::printf("  %.2f of the file: %s\n", share,
                code == kRan        ? "in memory"
                : code == kStreamed ? "streams"
                : code == kRefused  ? "refused"
                                    : "failed");
    CHECK(code == kRan || code == kStreamed || code == kRefused);
    if (share >= 2) CHECK_EQ(code, kRan);
    if (share < 1 && share > 0.3) CHECK_EQ(code, kStreamed);
    if (share < 0.2) CHECK_EQ(code, kRefused);
    streamed += code == kStreamed;
  }
  CHECK(streamed >= 3);
  fs::remove(path);
}

#endif

ZELL_TEST_MAIN
