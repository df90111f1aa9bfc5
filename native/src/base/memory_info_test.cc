// Memory and core figures, on this machine and on made-up ones.
#include "base/memory_info.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "base/os.h"
#include "check.h"

#if defined(__linux__)
#include "base/os_linux.h"
#endif

namespace zell::base {
namespace {

TEST(ThisMachineHasMemoryAndACore) {
  const MemoryInfo info = GetMemoryInfo();
  CHECK(info.total_bytes > 0);
  CHECK(info.available_bytes > 0);
  CHECK(info.available_bytes <= info.total_bytes);
  CHECK(PhysicalCores() >= 1);
}

#if defined(__linux__)

namespace fs = std::filesystem;

/// A folder that plays the root of a machine with 1,000 kB of memory, of which 800 are available.
struct Machine {
  fs::path root = fs::temp_directory_path() / ("zell-machine-" + std::to_string(ProcessId()));
  Machine() { Write("/proc/meminfo", "MemTotal:        1000 kB\nMemFree: 3 kB\nMemAvailable:     800 kB\n"); }
  ~Machine() { fs::remove_all(root); }
  void Write(const std::string& path, const std::string& text) const {
    const fs::path file = root / path.substr(1);
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  MemoryInfo Memory() const { return LinuxMemoryInfo(root.string()); }
};

constexpr uint64_t kKiB = 1024;

TEST(WithoutGroupsTheMachineCounts) {
  const Machine machine;
  CHECK_EQ(machine.Memory().total_bytes, 1000 * kKiB);
  CHECK_EQ(machine.Memory().available_bytes, 800 * kKiB);
}

TEST(AV2LimitCountsAndCacheIsAvailable) {
  const Machine machine;
  machine.Write("/proc/self/cgroup", "0::/user/editor\n");
  machine.Write("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw\n");
  machine.Write("/sys/fs/cgroup/user/editor/memory.max", "max\n");
  machine.Write("/sys/fs/cgroup/user/memory.max", "409600\n");  // the parent's limit holds too
  machine.Write("/sys/fs/cgroup/user/memory.current", "204800\n");
  machine.Write("/sys/fs/cgroup/user/memory.stat", "anon 1\ninactive_file 51200\nactive_file 51200\n");
  CHECK_EQ(machine.Memory().total_bytes, 400 * kKiB);
  CHECK_EQ(machine.Memory().available_bytes, 300 * kKiB);
}

TEST(AV2GroupIsSlowedDownBeforeItsLimit) {
  const Machine machine;
  machine.Write("/proc/self/cgroup", "0::/user\n");
  machine.Write("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  machine.Write("/sys/fs/cgroup/user/memory.max", "409600\n");
  machine.Write("/sys/fs/cgroup/user/memory.high", "307200\n");
  machine.Write("/sys/fs/cgroup/user/memory.current", "204800\n");
  CHECK_EQ(machine.Memory().available_bytes, 100 * kKiB);
}

TEST(PressureIsThatOfTheGroup) {
  const Machine machine;
  CHECK_EQ(LinuxMemoryPressure(machine.root.string()).stalled_us, uint64_t{0});
  machine.Write("/proc/pressure/memory",
                "some avg10=0.00 avg60=0.00 avg300=0.00 total=4027\nfull avg10=0.00 total=9\n");
  CHECK_EQ(LinuxMemoryPressure(machine.root.string()).stalled_us, uint64_t{4027});
  machine.Write("/proc/self/cgroup", "4:memory:/box\n0::/user/editor\n");
  machine.Write("/proc/self/mountinfo",
                "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
                "35 31 0:32 / /sys/fs/v1 rw - cgroup cgroup rw,memory\n");
  machine.Write("/sys/fs/cgroup/user/editor/memory.pressure", "some avg10=1.00 total=55\nfull avg10=0.00 total=3\n");
  machine.Write("/sys/fs/cgroup/user/editor/memory.events", "low 9\nhigh 2\nmax 3\noom 1\noom_kill 5\n");
  machine.Write("/sys/fs/cgroup/user/memory.events", "low 0\nhigh 10\nmax 0\noom 0\n");
  machine.Write("/sys/fs/v1/box/memory.failcnt", "100\n");
  const MemoryPressure pressure = LinuxMemoryPressure(machine.root.string());
  CHECK_EQ(pressure.stalled_us, uint64_t{55});
  CHECK_EQ(pressure.limit_events, uint64_t{116});
}

TEST(AV1LimitCounts) {
  const Machine machine;
  machine.Write("/proc/self/cgroup", "5:cpu,cpuacct:/\n4:memory:/box\n0::/\n");
  machine.Write("/proc/self/mountinfo", "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  machine.Write("/sys/fs/cgroup/memory/box/memory.limit_in_bytes", "307200\n");
  machine.Write("/sys/fs/cgroup/memory/box/memory.usage_in_bytes", "409600\n");  // above it: nothing is left
  machine.Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  CHECK_EQ(machine.Memory().total_bytes, 300 * kKiB);
  CHECK_EQ(machine.Memory().available_bytes, uint64_t{0});
}

TEST(AContainerSeesItsOwnGroupAtTheMountPoint) {
  const Machine machine;
  machine.Write("/proc/self/cgroup", "0::/docker/not-visible-here\n");
  machine.Write("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  machine.Write("/sys/fs/cgroup/memory.max", "102400\n");
  CHECK_EQ(machine.Memory().total_bytes, 100 * kKiB);
}

TEST(HyperThreadsAreOneCoreAndAQuotaLimits) {
  const Machine machine;
  const std::string root = machine.root.string();
  for (int cpu = 0; cpu < 8; ++cpu) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    machine.Write(folder + "physical_package_id", std::to_string(cpu / 4 % 2) + "\n");
    machine.Write(folder + "core_id", std::to_string(cpu % 2) + "\n");
  }
  CHECK_EQ(LinuxPhysicalCores(root, {0, 1, 2, 3, 4, 5, 6, 7}), 4);
  CHECK_EQ(LinuxPhysicalCores(root, {0, 2}), 1);
  CHECK_EQ(LinuxPhysicalCores(root, {20, 21, 22}), 3);  // no topology: all count
  CHECK_EQ(LinuxPhysicalCores(root, {}), 1);
  machine.Write("/proc/self/cgroup", "0::/\n");
  machine.Write("/proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
  machine.Write("/sys/fs/cgroup/cpu.max", "150000 100000\n");
  CHECK_EQ(LinuxPhysicalCores(root, {0, 1, 4, 5}), 2);
  machine.Write("/sys/fs/cgroup/cpu.max", "max 100000\n");
  CHECK_EQ(LinuxPhysicalCores(root, {0, 1, 4, 5}), 4);
}

TEST(TheLargestCacheIsTheLast) {
  const Machine machine;
  const std::string root = machine.root.string(), folder = "/sys/devices/system/cpu/cpu0/cache/index";
  CHECK_EQ(LinuxLastLevelCacheBytes(root), uint64_t{0});
  machine.Write(folder + "0/size", "48K\n");
  machine.Write(folder + "1/size", "32K\n");
  machine.Write(folder + "2/size", "2048K\n");
  machine.Write(folder + "3/size", "30M\n");
  CHECK_EQ(LinuxLastLevelCacheBytes(root), uint64_t{30} << 20);
}

#endif

}  // namespace
}  // namespace zell::base

ZELL_TEST_MAIN
