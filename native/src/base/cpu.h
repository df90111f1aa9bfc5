// What this processor and operating system let kernels use.
#pragma once

namespace zell::base {

/// Instruction sets that both the CPU has and the OS saves registers for.
struct CpuFeatures {
  bool avx2 = false;         ///< AVX2, FMA and F16C together
  bool avx_vnni = false;     ///< vpdpbusd on 256 bits, VEX encoded
  bool avx512_vnni = false;  ///< AVX-512 F, BW, DQ, VL and VNNI together
  bool arm_dotprod = false;  ///< four-byte dot products in NEON registers
  bool arm_i8mm = false;     ///< 8-bit matrix products in NEON registers, and dotprod
  bool amx_int8 = false;     ///< tiles and their int8 products (the OS may still refuse a process)
  bool amx_bf16 = false;     ///< amx_int8, their bf16 products, and AVX-512 conversions to bf16
};

/// Asked once; what another architecture has is false.
const CpuFeatures& Cpu();

/// Asks the OS to let this process use AMX tiles, on every thread that it has and will have. False when the CPU has
/// none or the OS refuses; tile instructions would then end the process. The first answer stays.
bool RequestTiles();

}  // namespace zell::base
