// Linux: memory and cores from /proc and /sys, with the limits of control groups (v1 and v2) counted.
#if defined(__linux__)

#include "base/os_linux.h"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>

#include "base/thread_pool.h"

namespace zell::base {
namespace {

std::optional<std::string> ReadText(const std::string& path) {
  std::ifstream stream(path);
  if (!stream) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  return error == std::errc() && end != text.data() ? std::optional<uint64_t>(n) : std::nullopt;
}

std::optional<uint64_t> ReadNumber(const std::string& path) {
  const std::optional<std::string> text = ReadText(path);
  return text ? ParseNumber(*text) : std::nullopt;
}

/// The number behind `field` at the start of a line, spaces skipped.
uint64_t Field(const std::string& text, const std::string& field) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.compare(0, field.size(), field) != 0) continue;
    const size_t digit = line.find_first_not_of(" \t", field.size());
    if (digit != std::string::npos) return ParseNumber(std::string_view(line).substr(digit)).value_or(0);
  }
  return 0;
}

bool HasWord(const std::string& list, const std::string& word) {
  std::istringstream words(list);
  for (std::string item; std::getline(words, item, ',');) {
    if (item == word) return true;
  }
  return false;
}

/// Where the hierarchy of a v1 controller, or the v2 one (`controller` empty), is mounted.
std::optional<std::string> MountPoint(const std::string& root, const std::string& controller) {
  std::istringstream lines(ReadText(root + "/proc/self/mountinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    std::string id, parent, device, mount_root, mount_point, type, source, options;
    std::istringstream(line) >> id >> parent >> device >> mount_root >> mount_point;
    std::istringstream(line.substr(dash + 3)) >> type >> source >> options;
    const bool found = controller.empty() ? type == "cgroup2" : type == "cgroup" && HasWord(options, controller);
    if (found) return mount_point;
  }
  return std::nullopt;
}

/// This process's group in that hierarchy, `/` for the uppermost.
std::optional<std::string> GroupPath(const std::string& root, const std::string& controller) {
  std::istringstream lines(ReadText(root + "/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool found = controller.empty() ? controllers.empty() : HasWord(controllers, controller);
    if (found) return line.substr(second + 1);
  }
  return std::nullopt;
}

/// The folders of the process's group and of all groups above it. Inside a container the path may name groups that are
/// not visible there; the mount point itself then stands for the container's group.
std::vector<std::string> Groups(const std::string& root, const std::string& controller) {
  const std::optional<std::string> mount = MountPoint(root, controller);
  std::string path = GroupPath(root, controller).value_or("");
  std::vector<std::string> folders;
  if (!mount) return folders;
  while (path.size() > 1) {
    folders.push_back(root + *mount + path);
    path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
  }
  folders.push_back(root + *mount);
  return folders;
}

/// Lowers `info` to what one group allows.
void ApplyLimit(std::optional<uint64_t> limit, std::optional<uint64_t> usage, uint64_t droppable, MemoryInfo* info) {
  if (!limit) return;  // "max"
  info->total_bytes = std::min(info->total_bytes, *limit);
  const uint64_t used = usage.value_or(0) - std::min(usage.value_or(0), droppable);
  info->available_bytes = std::min(info->available_bytes, *limit - std::min(*limit, used));
}

/// Cores' worth of time that the process's groups may use; 0 when there is no limit.
int QuotaCores(const std::string& root) {
  double lowest = 0;
  const auto apply = [&lowest](double quota, double period) {
    if (quota > 0 && period > 0 && (lowest == 0 || quota / period < lowest)) lowest = quota / period;
  };
  for (const std::string& folder : Groups(root, "")) {
    std::istringstream text(ReadText(folder + "/cpu.max").value_or(""));
    std::string quota, period;
    text >> quota >> period;
    apply(static_cast<double>(ParseNumber(quota).value_or(0)), static_cast<double>(ParseNumber(period).value_or(0)));
  }
  for (const std::string& folder : Groups(root, "cpu")) {
    apply(static_cast<double>(ReadNumber(folder + "/cpu.cfs_quota_us").value_or(0)),  // -1: none
          static_cast<double>(ReadNumber(folder + "/cpu.cfs_period_us").value_or(0)));
  }
  return lowest == 0 ? 0 : std::max(1, static_cast<int>(lowest + 0.999));
}

}  // namespace

MemoryInfo LinuxMemoryInfo(const std::string& root) {
  const std::string text = ReadText(root + "/proc/meminfo").value_or("");
  MemoryInfo info{Field(text, "MemTotal:") * 1024, Field(text, "MemAvailable:") * 1024};
  for (const std::string& folder : Groups(root, "")) {
    const std::string stat = ReadText(folder + "/memory.stat").value_or("");
    // Above memory.high a group is slowed down, above memory.max a process of it is killed.
    for (const char* limit : {"/memory.max", "/memory.high"}) {
      ApplyLimit(ReadNumber(folder + limit), ReadNumber(folder + "/memory.current"),
                 Field(stat, "inactive_file ") + Field(stat, "active_file "), &info);
    }
  }
  for (const std::string& folder : Groups(root, "memory")) {
    const std::string stat = ReadText(folder + "/memory.stat").value_or("");
    ApplyLimit(ReadNumber(folder + "/memory.limit_in_bytes"), ReadNumber(folder + "/memory.usage_in_bytes"),
               Field(stat, "total_inactive_file ") + Field(stat, "total_active_file "), &info);
  }
  return info;
}

MemoryPressure LinuxMemoryPressure(const std::string& root) {
  MemoryPressure pressure;
  std::optional<std::string> stalls;
  for (const std::string& folder : Groups(root, "")) {
    if (!stalls) stalls = ReadText(folder + "/memory.pressure");
    const std::string events = ReadText(folder + "/memory.events").value_or("");
    for (const char* event : {"high ", "max ", "oom "}) pressure.limit_events += Field(events, event);
  }
  for (const std::string& folder : Groups(root, "memory")) {
    pressure.limit_events += ReadNumber(folder + "/memory.failcnt").value_or(0);
  }
  if (!stalls) stalls = ReadText(root + "/proc/pressure/memory");
  // "some avg10=0.00 avg60=0.00 avg300=0.00 total=1234"
  const size_t total = stalls ? stalls->find("total=") : std::string::npos;
  if (total != std::string::npos)
    pressure.stalled_us = ParseNumber(std::string_view(*stalls).substr(total + 6)).value_or(0);
  return pressure;
}

uint64_t LinuxLastLevelCacheBytes(const std::string& root) {
  uint64_t most = 0;
  for (int i = 0; i < 16; ++i) {
    const std::string path = root + "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(i) + "/size";
    std::istringstream text(ReadText(path).value_or(""));
    uint64_t size = 0;
    char unit = 0;
    if (!(text >> size)) break;
    text >> unit;
    most = std::max(most, unit == 'K' ? size << 10 : unit == 'M' ? size << 20 : size);
  }
  return most;
}

void LowerThreadPriority() {
  // On Linux this is of the thread that calls. A tenth of a usual share: it still ends when all cores are busy.
  (void)::setpriority(PRIO_PROCESS, 0, 10);
}

int LinuxPhysicalCores(const std::string& root, const std::vector<int>& cpus) {
  std::set<std::pair<uint64_t, uint64_t>> cores;
  for (const int cpu : cpus) {
    const std::string folder = root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    const std::optional<uint64_t> package = ReadNumber(folder + "physical_package_id");
    const std::optional<uint64_t> core = ReadNumber(folder + "core_id");
    // Without topology every logical CPU counts.
    cores.emplace(package.value_or(0), core ? *core : (uint64_t{1} << 32) + static_cast<uint64_t>(cpu));
  }
  const int n = std::max(1, static_cast<int>(cores.size()));
  const int quota = QuotaCores(root);
  return quota == 0 ? n : std::min(n, quota);
}

MemoryPressure GetMemoryPressure() { return LinuxMemoryPressure(""); }
MemoryInfo GetMemoryInfo() { return LinuxMemoryInfo(""); }
uint64_t LastLevelCacheBytes() { return LinuxLastLevelCacheBytes(""); }

int PhysicalCores() {
  std::vector<int> cpus;
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    for (int i = 0; i < CPU_SETSIZE; ++i) {
      if (CPU_ISSET(i, &allowed)) cpus.push_back(i);
    }
  }
  if (cpus.empty()) {  // more CPUs than a cpu_set_t can name
    const long n = ::sysconf(_SC_NPROCESSORS_ONLN);
    for (int i = 0; i < n; ++i) cpus.push_back(i);
  }
  return LinuxPhysicalCores("", cpus);
}

}  // namespace zell::base

#endif
