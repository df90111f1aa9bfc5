// Products of f32 matrices by units that multiply bf16: every number becomes the sum of two. Private to the room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace zell::train {

constexpr size_t kSplitLines = 16;  ///< rows of A or columns of B side by side
constexpr size_t kSplitDepth = 32;  ///< products of one step
constexpr size_t kSplitNumbers = kSplitLines * kSplitDepth;

/// Numbers as hi + lo: hi is the nearest bf16, lo the nearest bf16 of what is left; 2^-17 of a number is lost at most.
/// Left of a product [16 rows][32], right of it [16 pairs][16 columns][2]. bf16 has f32's range; what is below its
/// normal numbers is zero.
struct alignas(64) SplitTile {
  uint16_t hi[kSplitNumbers], lo[kSplitNumbers];
};

/// Up to two panels of one side. Tiles of a panel follow one another along the product's depth; panels are `stride`
/// tiles apart.
struct SplitSide {
  const SplitTile* tiles;
  size_t stride;
};

/// Some steps of a product.
struct SplitRun {
  size_t steps;
  SplitSide a, b;
};

/// C's rows and columns in panels, 1 or 2 of each.
struct SplitShape {
  size_t rows, columns;
};

/// Every element of C is a chain over the steps, of each step hi hi, then hi lo, then lo hi (of A and B); each of them
/// adds the sum of a chain of fused multiply-adds over the even products and one over the odd ones, from 0. So no
/// result depends on the number of panels, and all tables give the same bits.
struct SplitKernels {
  const char* name;
  /// From lines in memory, `stride` floats apart: `lines` <= 16 of `depth` <= 32 numbers each; zeros beyond.
  void (*pack_lines)(const float* x, size_t stride, size_t lines, size_t depth, bool right, SplitTile& out);
  /// The transposed: `depth` <= 32 rows in memory of `lines` <= 16 numbers each.
  void (*pack_across)(const float* x, size_t stride, size_t lines, size_t depth, bool right, SplitTile& out);
  /// C (+)= the sum of the runs' products; all of the panels' numbers are read (unless !add) and written.
  void (*product)(std::span<const SplitRun> runs, const SplitShape& shape, float* c, size_t ldc, bool add);
  /// Asks memory for bytes that are read soon.
  void (*ask)(const uint8_t* from, size_t bytes);
  /// Around the products of a task, on its thread.
  void (*begin)();
  void (*end)();
};

const SplitKernels& ScalarSplit();
const SplitKernels& AmxSplit();  ///< base::Cpu().amx_bf16, and RequestTiles() said yes

/// The unit that the instruction set of inference has (ZELL_ISA forces both), or the scalar definition.
const SplitKernels& ActiveSplit();
/// Whether ActiveSplit is faster than f32.
bool HasFastSplit();

}  // namespace zell::train
