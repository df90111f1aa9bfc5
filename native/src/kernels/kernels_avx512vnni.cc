// AVX-512 with VNNI: sixteen rows at a time; and the same with AMX tiles for the integer products of wide batches.
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

#include "kernels/lanes_avx512.inc"
//
#include "kernels/rows_avx512.inc"
//
#include "kernels/vector_kernels.inc"
//
#include "kernels/tile_matmul.inc"

constexpr Kernels kTable = MakeTable(Isa::kAvx512Vnni, "avx512vnni", Matmul<VectorEngine, Avx512VnniCodebookMatmul>);
constexpr Kernels kAmxTable = MakeTable(Isa::kAmx, "amx", Matmul<TileEngine, AmxCodebookMatmul>);

}  // namespace

const Kernels& Avx512VnniKernels() { return kTable; }
const Kernels& AmxKernels() { return kAmxTable; }

}  // namespace zell::kernels

#endif
