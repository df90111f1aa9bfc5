// NEON with 8-bit matrix products (Armv8.6 i8mm) for wide batches; dot products for the rest.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_ARM64_I8MM)
#include <arm_neon.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/tables.h"
#include "quant/codebooks.h"

#define ZELL_TARGET ZELL_TARGET_NEON_I8MM
#define ZELL_HAS_DOTPROD 1

namespace zell::kernels {
namespace {

constexpr size_t kFloatRows = 2;
constexpr int kAttendCols = 4;
constexpr int kAttendVecs = 1;
constexpr int kAttendColsQ8 = 2;
constexpr size_t kFloatCols = 2;
constexpr int kSmallCols = 4;
constexpr int kSuperCols = 3;

#include "kernels/lanes_neon.inc"
//
#include "kernels/vector_ops.inc"
//
#include "kernels/float_matmul.inc"
//
#include "kernels/attend.inc"
//
#include "kernels/low_rank.inc"
//
#include "kernels/rows_neon.inc"
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
#include "kernels/mm_matmul.inc"
//
#include "kernels/table.inc"

constexpr Kernels kTable = MakeTable(Isa::kNeonI8mm, "neoni8mm", Matmul<MatrixEngine>);

}  // namespace

const Kernels& NeonI8mmKernels() { return kTable; }

}  // namespace zell::kernels

#endif
