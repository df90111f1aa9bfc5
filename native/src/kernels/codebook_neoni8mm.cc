// The types of codebook_kernels.inc on the instruction set of kernels_neoni8mm.cc.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_ARM64_I8MM)
#include <arm_neon.h>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_NEON_I8MM
#define ZELL_HAS_DOTPROD 1

namespace zell::kernels {
namespace {

#include "kernels/rows_neon.inc"
//
#include "kernels/codebook_kernels.inc"
//
#include "kernels/mm_matmul.inc"

}  // namespace

void NeonI8mmCodebookMatmul(quant::TensorType type, const MatmulArgs& args) {
  CodebookMatmul<MatrixEngine>(type, args);
}

}  // namespace zell::kernels

#endif
