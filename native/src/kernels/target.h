// Function attributes of each instruction set. Attributes rather than -m flags on a file: an inline std:: function
// instantiated under -mavx2 can be the copy that the linker keeps for everyone, and an old CPU then dies in code that
// has nothing to do with kernels. MSVC needs no attribute to accept intrinsics, so they are empty there.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__)
#define ZELL_TARGET_AVX2
#define ZELL_TARGET_AVX2VNNI
#define ZELL_TARGET_AVX512VNNI
#define ZELL_TARGET_AMX
#define ZELL_ALWAYS_INLINE __forceinline
#define ZELL_UNROLL
#else
#define ZELL_TARGET_AVX2 __attribute__((target("avx2,fma,f16c")))
#define ZELL_TARGET_AVX2VNNI __attribute__((target("avx2,fma,f16c,avxvnni")))
#define ZELL_TARGET_AVX512VNNI __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define ZELL_ALWAYS_INLINE inline __attribute__((always_inline))
#define ZELL_TARGET_AMX \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8")))
// Loops whose arrays must become registers. Under AddressSanitizer speed does not matter and compile time does.
#if defined(__SANITIZE_ADDRESS__)
#define ZELL_UNROLL
#elif defined(__clang__)
#define ZELL_UNROLL _Pragma("clang loop unroll(full)")
#else
#define ZELL_UNROLL _Pragma("GCC unroll 64")
#endif
#endif

#if defined(__x86_64__) || defined(_M_X64)
#define ZELL_KERNELS_X86 1
#endif
