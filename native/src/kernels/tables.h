// The tables that dispatch.cc chooses from, and the choice itself. Private to the room.
#pragma once

#include <string>

#include "kernels/kernels.h"

namespace zell::kernels {

const Kernels& ScalarKernels();
// x86-64 only; dispatch.cc offers them when the CPU has what they need.
const Kernels& Avx2Kernels();
const Kernels& Avx2VnniKernels();
const Kernels& Avx512VnniKernels();
const Kernels& AmxKernels();  ///< also needs base::RequestTiles()
// 64-bit Arm only.
const Kernels& NeonKernels();
const Kernels& NeonDotKernels();
const Kernels& NeonI8mmKernels();

// The products of the types in codebook_kernels.inc, and scalar ones of types that no vector code exists for.
void Avx2CodebookMatmul(quant::TensorType type, const MatmulArgs& args);
void Avx2VnniCodebookMatmul(quant::TensorType type, const MatmulArgs& args);
void Avx512VnniCodebookMatmul(quant::TensorType type, const MatmulArgs& args);
void AmxCodebookMatmul(quant::TensorType type, const MatmulArgs& args);
void NeonCodebookMatmul(quant::TensorType type, const MatmulArgs& args);
void NeonDotCodebookMatmul(quant::TensorType type, const MatmulArgs& args);
void NeonI8mmCodebookMatmul(quant::TensorType type, const MatmulArgs& args);

struct Choice {
  const Kernels* kernels;  ///< never null
  std::string error;       ///< empty, or one sentence on why `name` was not followed
};
/// What ActiveKernels() answers when ZELL_ISA is `name`; null or empty: the best.
Choice Choose(const char* name);

}  // namespace zell::kernels
