// The types of codebook_kernels.inc on the instruction set of kernels_avx2vnni.cc.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_X86)
#include <immintrin.h>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_AVX2VNNI
#define ZELL_HAS_VNNI 1
namespace zell::kernels {
namespace {

#include "kernels/rows_avx2.inc"
//
#include "kernels/codebook_kernels.inc"

}  // namespace

void Avx2VnniCodebookMatmul(quant::TensorType type, const MatmulArgs& args) {
  CodebookMatmul<VectorEngine>(type, args);
}

}  // namespace zell::kernels

#endif
