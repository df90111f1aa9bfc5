// NEON with the four-byte dot product (Armv8.2 dotprod).
#include "kernels/target.h"

#if defined(ZELL_KERNELS_ARM64_DOT)
#include <arm_neon.h>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_NEON_DOT
#define ZELL_HAS_DOTPROD 1

namespace zell::kernels {
namespace {

#include "kernels/lanes_neon.inc"
//
#include "kernels/rows_neon.inc"
//
#include "kernels/vector_kernels.inc"

constexpr Kernels kTable = MakeTable(Isa::kNeonDot, "neondot", Matmul<VectorEngine, NeonDotCodebookMatmul>);

}  // namespace

const Kernels& NeonDotKernels() { return kTable; }

}  // namespace zell::kernels

#endif
