// NEON with 8-bit matrix products (Armv8.6 i8mm) for wide batches; dot products for the rest.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_ARM64_I8MM)
#include <arm_neon.h>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_NEON_I8MM
#define ZELL_HAS_DOTPROD 1

namespace zell::kernels {
namespace {

#include "kernels/lanes_neon.inc"
//
#include "kernels/rows_neon.inc"
//
#include "kernels/vector_kernels.inc"
//
#include "kernels/mm_matmul.inc"

constexpr Kernels kTable = MakeTable(Isa::kNeonI8mm, "neoni8mm", Matmul<MatrixEngine, NeonI8mmCodebookMatmul>);

}  // namespace

const Kernels& NeonI8mmKernels() { return kTable; }

}  // namespace zell::kernels

#endif
