// NEON as every 64-bit Arm processor has it: eight rows at a time.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_ARM64)
#include <arm_neon.h>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_NEON

namespace zell::kernels {
namespace {

#include "kernels/lanes_neon.inc"
//
#include "kernels/rows_neon.inc"
//
#include "kernels/vector_kernels.inc"

constexpr Kernels kTable = MakeTable(Isa::kNeon, "neon", Matmul<VectorEngine, NeonCodebookMatmul>);

}  // namespace

const Kernels& NeonKernels() { return kTable; }

}  // namespace zell::kernels

#endif
