// The types of codebook_kernels.inc on the instruction set of kernels_neon.cc.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_ARM64)
#include <arm_neon.h>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_NEON

namespace zell::kernels {
namespace {

#include "kernels/rows_neon.inc"
//
#include "kernels/codebook_kernels.inc"

}  // namespace

void NeonCodebookMatmul(quant::TensorType type, const MatmulArgs& args) { CodebookMatmul<VectorEngine>(type, args); }

}  // namespace zell::kernels

#endif
