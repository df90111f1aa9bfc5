// Real limits: a process in a control group with twice to a third of the file's size runs or refuses, and is never
// killed; what another program takes meanwhile comes from the cache of experts, or from the layers in memory.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <future>

#include "base/memory_info.h"
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

base::Result<std::unique_ptr<runtime::Engine>> Load(const std::string& path) {
  const std::atomic<bool> never = false;
  return runtime::Engine::Load(path, {.threads = 2, .context_length = 512, .max_sequences = 1}, nullptr, never);
}

bool Evaluate(runtime::Engine& engine, uint32_t sequence, std::vector<int32_t> tokens) {
  std::vector<runtime::StepItem> items(1);
  items[0].sequence = sequence, items[0].tokens = std::move(tokens);
  std::promise<bool> right;
  const auto done = [&](auto result) { right.set_value(result.ok() && (*result)[0].status.ok()); };
  return engine.Step(std::move(items), done).ok() && right.get_future().get();
}

// In a process of its own: loads, evaluates a prompt and some tokens.
int RunLimited(const std::string& path) {
  const auto engine = Load(path);
  if (!engine.ok()) return engine.status().code == base::StatusCode::kOutOfMemory ? kRefused : kFailed;
  const uint32_t sequence = (*engine)->CreateSequence();
  for (int i = 0; i < 8; ++i) {
    if (!Evaluate(**engine, sequence, std::vector<int32_t>(i == 0 ? 200 : 1, 17 + i))) return kFailed;
  }
  return (*engine)->summary().memory.streams() ? kStreamed : kRan;
}

// Runs `work` in a process of its own in the group.
template <typename Work>
pid_t Fork(const Group& group, const Work& work) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(group.Enter() ? work() : kFailed);
  return child;
}

// What it returned; -1 when it was killed.
int Await(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Out of the file cache, where it would be charged to whoever wrote it.
void Forget(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  if (fd < 0) return;
  (void)::fsync(fd);
  (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

// In groups of twice the file down to a tenth.
void CheckLimits(const test::SmallModel& model) {
  if (kSanitized) SKIP("sanitizers need memory of their own");
  const Group group;
  if (!group.ok()) SKIP("no right to make a control group");
  const std::string path = test::WriteSmallModel(model, "memory_limit");
  REQUIRE(!path.empty());
  const uint64_t file = fs::file_size(path);
  int streamed = 0;
  for (const double share : {2.0, 1.4, 1.1, 1.0, 0.8, 0.65, 0.45, 1.0 / 3, 0.3, 0.1}) {
    Forget(path);
    REQUIRE(group.SetLimit(static_cast<uint64_t>(share * static_cast<double>(file))));
    const int code = Await(Fork(group, [&] { return RunLimited(path); }));
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
  CHECK(streamed >= 4);
  fs::remove(path);
}

// A program in the group takes three times the margin: it gets it, and `now` says what gave way.
void CheckSharing(const test::SmallModel& small,
                  std::optional<runtime::Engine::CacheNow> (runtime::Engine::*now)() const) {
  if (kSanitized) SKIP("sanitizers need memory of their own");
  const Group group;
  if (!group.ok()) SKIP("no right to make a control group");
  const std::string path = test::WriteSmallModel(small, "memory_pressure");
  REQUIRE(!path.empty());
  Forget(path);
  REQUIRE(group.SetLimit(fs::file_size(path) / 100 * 65));
  int loaded[2], enough[2];
  REQUIRE(::pipe(loaded) == 0 && ::pipe(enough) == 0);
  const pid_t engine = Fork(group, [&] {
    ::close(enough[1]);
    const auto model = Load(path);
    if (!model.ok() || !(*model)->summary().memory.streams()) return kFailed;
    const uint32_t sequence = (*model)->CreateSequence();
    bool right = Evaluate(**model, sequence, std::vector<int32_t>(200, 17));
    char byte = 1;
    right = right && ::write(loaded[1], &byte, 1) == 1;
    (void)::fcntl(enough[0], F_SETFL, O_NONBLOCK);
    for (int32_t token = 0; right && ::read(enough[0], &byte, 1) < 0; ++token) {
      right = (*model)->Truncate(sequence, 200).ok() && Evaluate(**model, sequence, {token % 256});
    }
    const auto cache = ((**model).*now)();
    if (!right || !cache) return kFailed;
    std::printf("  room for %llu of %llu: %s\n", static_cast<unsigned long long>(cache->size.slots),
                static_cast<unsigned long long>(cache->size.most_slots), cache->shrunk.c_str());
    std::fflush(stdout);
    return cache->size.slots < cache->size.most_slots && !cache->shrunk.empty() ? kStreamed : kRan;
  });
  REQUIRE(engine >= 0);
  ::close(loaded[1]);
  ::close(enough[0]);
  // Three times the margin, a little at a time and only where it is.
  const pid_t other = Fork(group, [&] {
    ::close(enough[1]);
    constexpr uint64_t kMiB = 1 << 20, kWanted = 48 * kMiB, kStep = 2 * kMiB;
    char byte = 0;
    if (::read(loaded[0], &byte, 1) != 1) return kFailed;
    std::vector<std::vector<char>> taken;
    for (int waits = 0; taken.size() * kStep < kWanted;) {
      if (base::GetMemoryInfo().available_bytes >= 3 * kStep) {
        taken.emplace_back(kStep, 'x');
      } else if (++waits > 60000) {
        return kRefused;
      } else {
        ::usleep(2000);
      }
    }
    return kRan;
  });
  REQUIRE(other >= 0);
  CHECK_EQ(Await(other), kRan);
  ::close(enough[1]);
  CHECK_EQ(Await(engine), kStreamed);
  fs::remove(path);
}

}  // namespace

// Some 170 MB, of them 160 of experts.
TEST(any_limit_runs_or_refuses_a_mixture_and_kills_nobody) {
  CheckLimits({.layers = 6, .width = 768, .ffn = 1024, .experts = 11});
}

// As many, nearly all of them in layers.
TEST(any_limit_runs_or_refuses_a_dense_model_and_kills_nobody) {
  CheckLimits({.layers = 24, .width = 768, .ffn = 2304});
}

TEST(a_program_beside_it_gets_the_memory_of_experts) {
  CheckSharing({.layers = 6, .width = 768, .ffn = 1024, .experts = 11}, &runtime::Engine::ExpertCacheNow);
}

TEST(a_program_beside_it_gets_the_memory_of_layers) {
  CheckSharing({.layers = 24, .width = 768, .ffn = 2304}, &runtime::Engine::KeptLayersNow);
}

#endif

ZELL_TEST_MAIN
