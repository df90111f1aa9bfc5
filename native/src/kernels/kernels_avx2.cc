// AVX2, FMA and F16C: 256 bits, integer products through 16-bit pairs.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_X86)
#include <immintrin.h>

#include "kernels/vector_kernels.h"

#define ZELL_TARGET ZELL_TARGET_AVX2

namespace zell::kernels {
namespace {

#include "kernels/lanes_avx2.inc"
//
#include "kernels/rows_avx2.inc"
//
#include "kernels/vector_kernels.inc"

constexpr Kernels kTable = MakeTable(Isa::kAvx2, "avx2", Matmul<VectorEngine, Avx2CodebookMatmul>);

}  // namespace

const Kernels& Avx2Kernels() { return kTable; }

}  // namespace zell::kernels

#endif
