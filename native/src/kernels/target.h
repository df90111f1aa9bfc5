// Function attributes of each instruction set. Attributes rather than -m flags on a file: an inline std:: function
// instantiated under -mavx2 can be the copy that the linker keeps for everyone, and an old CPU then dies in code that
// has nothing to do with kernels. MSVC needs no attribute to accept intrinsics, so they are empty there.
#pragma once

#if defined(_MSC_VER) && !defined(__clang__)
#define ZELL_TARGET_AVX2
#define ZELL_TARGET_AVX2VNNI
#define ZELL_TARGET_AVX512VNNI
#define ZELL_TARGET_AMX
#define ZELL_TARGET_AMX_BF16
#define ZELL_ALWAYS_INLINE __forceinline
#define ZELL_UNROLL
#else
#define ZELL_TARGET_AVX2 __attribute__((target("avx2,fma,f16c")))
#define ZELL_TARGET_AVX2VNNI __attribute__((target("avx2,fma,f16c,avxvnni")))
#define ZELL_TARGET_AVX512VNNI __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define ZELL_ALWAYS_INLINE inline __attribute__((always_inline))
#define ZELL_TARGET_AMX \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,amx-tile,amx-int8")))
#define ZELL_TARGET_AMX_BF16 \
  __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16,amx-tile,amx-bf16")))
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
#elif defined(__aarch64__) || defined(_M_ARM64)
#define ZELL_KERNELS_ARM64 1
#endif

// What this compiler can build of Arm's extensions: before version 16 clang declares their functions only when the
// whole file is built for them.
#if defined(ZELL_KERNELS_ARM64)
#if !defined(__clang__) || __clang_major__ >= 16 || defined(__ARM_FEATURE_DOTPROD)
#define ZELL_KERNELS_ARM64_DOT 1
#endif
#if !defined(__clang__) || __clang_major__ >= 16 || defined(__ARM_FEATURE_MATMUL_INT8)
#define ZELL_KERNELS_ARM64_I8MM 1
#endif
#endif

// 64-bit Arm: NEON itself needs no attribute.
#define ZELL_TARGET_NEON
#if defined(_MSC_VER) && !defined(__clang__)
#define ZELL_TARGET_NEON_DOT
#define ZELL_TARGET_NEON_I8MM
#elif defined(__clang__)
#define ZELL_TARGET_NEON_DOT __attribute__((target("dotprod")))
#define ZELL_TARGET_NEON_I8MM __attribute__((target("dotprod,i8mm")))
#else
#define ZELL_TARGET_NEON_DOT __attribute__((target("arch=armv8.2-a+dotprod")))
#define ZELL_TARGET_NEON_I8MM __attribute__((target("arch=armv8.2-a+dotprod+i8mm")))
#endif
