// AVX2 with AVX-VNNI: as AVX2, but four byte products in one instruction.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_X86)
#include <immintrin.h>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_AVX2VNNI
#define ZELL_HAS_VNNI 1
namespace zell::kernels {
namespace {

#include "kernels/lanes_avx2.inc"
//
#include "kernels/rows_avx2.inc"
//
#include "kernels/vector_kernels.inc"

constexpr Kernels kTable = MakeTable(Isa::kAvx2Vnni, "avx2vnni", Matmul<VectorEngine, Avx2VnniCodebookMatmul>);

}  // namespace

const Kernels& Avx2VnniKernels() { return kTable; }

}  // namespace zell::kernels

#endif
