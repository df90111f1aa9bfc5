// macOS: memory and cores from sysctl and the Mach host.
#if defined(__APPLE__)

#include <mach/mach.h>
#include <pthread.h>
#include <sys/sysctl.h>

#include <algorithm>

#include "base/large_pages.h"
#include "base/memory_info.h"
#include "base/thread_pool.h"

namespace zell::base {
namespace {

uint64_t SysctlNumber(const char* name) {
  uint64_t value = 0;  // also takes 32-bit answers: the machine is little-endian and the rest stays zero
  size_t size = sizeof value;
  return ::sysctlbyname(name, &value, &size, nullptr, 0) == 0 ? value : 0;
}

}  // namespace

MemoryPressure GetMemoryPressure() { return {}; }

MemoryInfo GetMemoryInfo() {
  MemoryInfo info{SysctlNumber("hw.memsize"), 0};
  vm_statistics64_data_t stat{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  const mach_port_t host = ::mach_host_self();
  if (::host_statistics64(host, HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&stat), &count) == KERN_SUCCESS) {
    const uint64_t pages = uint64_t{stat.free_count} + stat.external_page_count + stat.purgeable_count;
    info.available_bytes = std::min(info.total_bytes, pages * static_cast<uint64_t>(vm_kernel_page_size));
  }
  ::mach_port_deallocate(mach_task_self(), host);
  return info;
}

uint64_t LastLevelCacheBytes() { return std::max(SysctlNumber("hw.l3cachesize"), SysctlNumber("hw.l2cachesize")); }

int PhysicalCores() { return std::max(1, static_cast<int>(SysctlNumber("hw.physicalcpu"))); }

void LowerThreadPriority() { (void)::pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0); }

bool LargePagesAvailable() { return false; }
void* ReserveAligned(size_t) { return nullptr; }
Status ReplaceByLargePages(void*, size_t, const std::function<Status(std::span<uint8_t>)>&, bool*) {
  return {StatusCode::kUnsupported, "This system has no large pages for weights."};
}

}  // namespace zell::base

#endif
