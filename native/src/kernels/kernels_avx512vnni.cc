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
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/tables.h"
#include "quant/codebooks.h"

#define ZELL_TARGET ZELL_TARGET_AVX512VNNI

namespace zell::kernels {
namespace {

constexpr size_t kFloatRows = 4;
constexpr int kAttendCols = 12;
constexpr int kAttendVecs = 2;
constexpr int kAttendColsQ8 = 4;
constexpr size_t kFloatCols = 4;
constexpr int kSmallCols = 12;
constexpr int kSuperCols = 8;

#include "kernels/lanes_avx512.inc"
//
#include "kernels/vector_ops.inc"
//
#include "kernels/float_matmul.inc"
//
#include "kernels/attend.inc"
//
#include "kernels/low_rank.inc"
//
#include "kernels/rows_avx512.inc"
//
#include "kernels/row_formats.inc"
//
#include "kernels/row_formats_tables.inc"
//
#define ZELL_ROWS_AS_LANES 1
#include "kernels/attend_q8.inc"
//
#include "kernels/row_matmul.inc"
//
#include "kernels/tile_matmul.inc"

#include "kernels/table.inc"

constexpr Kernels kTable = MakeTable(Isa::kAvx512Vnni, "avx512vnni", Matmul<VectorEngine>);
constexpr Kernels kAmxTable = MakeTable(Isa::kAmx, "amx", AmxMatmul);

}  // namespace

const Kernels& Avx512VnniKernels() { return kTable; }
const Kernels& AmxKernels() { return kAmxTable; }

}  // namespace zell::kernels

#endif
