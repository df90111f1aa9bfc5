// NEON as every 64-bit Arm processor has it: eight rows at a time.
#include "kernels/target.h"

#if defined(ZELL_KERNELS_ARM64)
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

#define ZELL_TARGET ZELL_TARGET_NEON

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
#include "kernels/table.inc"

constexpr Kernels kTable = MakeTable(Isa::kNeon, "neon", Matmul<VectorEngine>);

}  // namespace

const Kernels& NeonKernels() { return kTable; }

}  // namespace zell::kernels

#endif
