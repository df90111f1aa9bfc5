// The innermost product of training: a tile of C from packed panels of A and B. Private to the room.
#pragma once

#include <cstddef>

namespace zell::train {

/// C += A B for one tile; every element is c + (one chain of fused multiply-adds over k, from 0), on every ISA. So no
/// result depends on the tile's size, the number of threads or the ISA.
struct GemmKernels {
  const char* name;
  size_t mr;  ///< rows of a tile and of a panel of A
  size_t nr;  ///< columns of a tile and of a panel of B
  /// a: [k][mr], b: [k][nr], c: rows `ldc` floats apart. Writes all mr x nr numbers; when `cols` <= nr / 2 it may leave
  /// out the second half. `add` false: C is overwritten instead.
  void (*tile)(size_t k, const float* a, const float* b, float* c, size_t ldc, size_t cols, bool add);
  /// A panel [k][width], `width` being mr or nr, of `lines` <= width rows of k numbers each, `stride` floats apart;
  /// zeros for lines that are missing.
  void (*pack_lines)(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel);
  /// The same of k rows of `lines` numbers each.
  void (*pack_across)(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel);
};

/// Packing in plain C++.
void PackLines(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel);
void PackAcross(const float* x, size_t stride, size_t lines, size_t k, size_t width, float* panel);

constexpr size_t kMaxTileRows = 16;
constexpr size_t kMaxTileCols = 32;

const GemmKernels& ScalarGemm();
const GemmKernels& Avx2Gemm();    ///< x86-64 with AVX2 and FMA
const GemmKernels& Avx512Gemm();  ///< x86-64 with AVX-512F
const GemmKernels& NeonGemm();    ///< 64-bit Arm

/// What fits the instruction set that inference uses too (ZELL_ISA forces both).
const GemmKernels& ActiveGemm();

}  // namespace zell::train
