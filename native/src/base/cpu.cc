// CPUID and XGETBV, or what Arm systems offer in their place; read once.
#include "base/cpu.h"

#include <cstdint>

#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#elif defined(__aarch64__) && defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_M_ARM64)
#include <windows.h>
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define ZELL_X86_64 1
#if defined(_MSC_VER)
#include <immintrin.h>
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace zell::base {
namespace {

#if defined(ZELL_X86_64)

struct Registers {
  uint32_t eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers CpuId(uint32_t leaf, uint32_t subleaf) {
  Registers r;
#if defined(_MSC_VER)
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
  r = {static_cast<uint32_t>(out[0]), static_cast<uint32_t>(out[1]), static_cast<uint32_t>(out[2]),
       static_cast<uint32_t>(out[3])};
#else
  __cpuid_count(leaf, subleaf, r.eax, r.ebx, r.ecx, r.edx);
#endif
  return r;
}

/// Register files whose state the OS saves (XCR0).
uint64_t SavedState() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
#endif
}

bool Bit(uint32_t word, int bit) { return (word >> bit) & 1; }

CpuFeatures Ask() {
  CpuFeatures f;
  const uint32_t leaves = CpuId(0, 0).eax;
  if (leaves < 7) return f;
  const Registers one = CpuId(1, 0);
  const Registers seven = CpuId(7, 0);
  const Registers seven_one = seven.eax >= 1 ? CpuId(7, 1) : Registers{};
  constexpr int kFma = 12, kOsXsave = 27, kAvx = 28, kF16c = 29;
  if (!Bit(one.ecx, kOsXsave) || !Bit(one.ecx, kAvx)) return f;
  constexpr uint64_t kXmmYmm = 0x6, kZmm = 0xe0, kTiles = 0x60000;
  const uint64_t saved = SavedState();
  if ((saved & kXmmYmm) != kXmmYmm) return f;
  f.avx2 = Bit(seven.ebx, 5) && Bit(one.ecx, kFma) && Bit(one.ecx, kF16c);
  f.avx_vnni = f.avx2 && Bit(seven_one.eax, 4);
  const bool avx512 = Bit(seven.ebx, 16) && Bit(seven.ebx, 17) && Bit(seven.ebx, 30) && Bit(seven.ebx, 31);
  f.avx512_vnni = f.avx2 && avx512 && Bit(seven.ecx, 11) && (saved & kZmm) == kZmm;
  f.amx_int8 = f.avx512_vnni && Bit(seven.edx, 24) && Bit(seven.edx, 25) && (saved & kTiles) == kTiles;
  f.amx_bf16 = f.amx_int8 && Bit(seven.edx, 22) && Bit(seven_one.eax, 5);
  return f;
}

#elif defined(__aarch64__) && defined(__linux__)

CpuFeatures Ask() {
  constexpr unsigned long kDotProd = 1ul << 20, kI8mm = 1ul << 13;  // HWCAP_ASIMDDP, HWCAP2_I8MM
  CpuFeatures f;
  f.arm_dotprod = (getauxval(AT_HWCAP) & kDotProd) != 0;
  f.arm_i8mm = f.arm_dotprod && (getauxval(AT_HWCAP2) & kI8mm) != 0;
  return f;
}

#elif defined(__aarch64__) && defined(__APPLE__)

bool Has(const char* name) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, nullptr, 0) == 0 && value != 0;
}

CpuFeatures Ask() {
  CpuFeatures f;
  f.arm_dotprod = Has("hw.optional.arm.FEAT_DotProd");
  f.arm_i8mm = f.arm_dotprod && Has("hw.optional.arm.FEAT_I8MM");
  return f;
}

#elif defined(_M_ARM64)

CpuFeatures Ask() {
  constexpr DWORD kDotProd = 43;  // PF_ARM_V82_DP_INSTRUCTIONS_AVAILABLE
  CpuFeatures f;
  f.arm_dotprod = IsProcessorFeaturePresent(kDotProd) != 0;
  return f;
}

#else

CpuFeatures Ask() { return {}; }

#endif

}  // namespace

const CpuFeatures& Cpu() {
  static const CpuFeatures features = Ask();
  return features;
}

bool RequestTiles() {
  static const bool granted = [] {
#if defined(__linux__) && defined(ZELL_X86_64)
    constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return Cpu().amx_int8 && syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
    return false;
#endif
  }();
  return granted;
}

}  // namespace zell::base
