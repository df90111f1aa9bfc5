// The types of codebook_kernels.inc on the instruction sets of kernels_avx512vnni.cc.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_X86)
#if defined(__GNUC__) && !defined(__clang__)
// GCC 12's own avx512fintrin.h passes deliberately undefined registers as unused inputs and warns about them.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

#include <atomic>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_AVX512VNNI

namespace zell::kernels {
namespace {

#include "kernels/rows_avx512.inc"
//
#include "kernels/codebook_kernels.inc"
//
#include "kernels/tile_matmul.inc"

}  // namespace

void Avx512VnniCodebookMatmul(quant::TensorType type, const MatmulArgs& args) {
  CodebookMatmul<VectorEngine>(type, args);
}
void AmxCodebookMatmul(quant::TensorType type, const MatmulArgs& args) { CodebookMatmul<TileEngine>(type, args); }

}  // namespace zell::kernels

#endif
