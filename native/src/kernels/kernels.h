// The compute kernels behind the CPU backend: one table of function pointers per instruction set.
//
// Numerics contract: for one (tensor type, ISA) there is one activation quantisation, one block order and one f32
// reduction tree. Rows, columns, tile sizes and thread counts never change a bit of any y value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/activation.h"
#include "kernels/attend.h"
#include "kernels/low_rank.h"
#include "quant/blocks.h"

namespace zell::kernels {

enum class Isa { kScalar, kAvx2, kAvx2Vnni, kAvx512Vnni, kAmx, kNeon, kNeonDot, kNeonI8mm };

/// How a weight type wants its activations. One quantised column serves every matrix of the same format
/// (Q, K, V; gate, up).
enum class ActivationFormat {
  kF32,  ///< as they are: for F32, F16 and BF16 weights
  kQ8,   ///< blocks of 32: f32 scale, f32 scaled sum, 32 × int8: for formats with blocks of 32 to 128
  kQ8K,  ///< super-blocks of 256: f32 scale, 256 × int8, 16 × int16 sums: for the K, IQ and TQ formats
};

/// Bytes of one column of k activations in a format: an odd number of 64-byte lines, the best stride as well. k is a
/// multiple of the weight's block.
size_t ActivationBytes(ActivationFormat format, size_t k);
/// Matrix types only (quant::IsMatrixType), as everywhere in this room.
ActivationFormat FormatFor(quant::TensorType type);

/// y[c * y_stride + r] = dot(row r of w, column c of x) for r in [0, rows), c in [0, cols).
/// w: `rows` rows of k weights, `w_stride` bytes apart, any alignment; x: `cols` columns in FormatFor(type),
/// `x_stride` bytes apart, 64-byte aligned. k % block == 0. y_stride in floats. Any rows, cols ≥ 1.
struct MatmulArgs {
  const uint8_t* w;
  size_t w_stride;
  size_t rows;
  const uint8_t* x;
  size_t x_stride;
  size_t cols;
  size_t k;
  float* y;
  size_t y_stride;
  /// With few columns: weights that the caller multiplies right after these, which are asked for meanwhile; null: none.
  const uint8_t* next = nullptr;
  /// The first rows were some call's `next`.
  bool asked_for = false;
  /// With few columns of a quantised type: bytes that the caller reads after this product, which are asked for as well.
  const uint8_t* then = nullptr;
  size_t then_bytes = 0;
};

/// One row of function pointers per ISA. Every ISA fills every slot, if only with the scalar function.
struct Kernels {
  Isa isa;
  const char*
      name;  ///< what ZELL_ISA takes: `scalar`; `avx2`, `avx2vnni`, `avx512vnni`, `amx`; `neon`, `neondot`, `neoni8mm`

  /// The product of one tile of rows with all columns; picks GEMV or GEMM by `cols` without changing bits.
  void (*matmul)(quant::TensorType type, const MatmulArgs& args);
  /// Rows that a caller should hand to one `matmul` call at least, for this many columns (a multiple of it is best).
  size_t (*row_granule)(quant::TensorType type, size_t cols);
  /// x: [k] floats to one column in `format`.
  void (*quantize)(ActivationFormat format, const float* x, void* out, size_t k);

  /// y[i] = x[i] * weight[i] / sqrt(mean(x²) + eps); x may be y.
  void (*rms_norm)(const float* x, const float* weight, float* y, size_t n, float eps);
  /// y[i] = (x[i] - mean(x)) / sqrt(variance(x) + eps) * weight[i] + bias[i]; x may be y. weight and bias may be null.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, float* y, size_t n, float eps);
  /// y[i] = f(x[i]); y may be x.
  void (*activate)(Activation f, const float* x, float* y, size_t n);
  /// y[i] = f(gate[i]) * up[i]; y may be gate.
  void (*gate)(Activation f, const float* gate, const float* up, float* y, size_t n);
  /// x[i] = scale * x[i].
  void (*scale)(float* x, float scale, size_t n);
  /// x[i] = cap * tanh(x[i] / cap), to about 1e-7 * cap.
  void (*soft_cap)(float* x, float cap, size_t n);
  /// y[i] += x[i].
  void (*add)(float* y, const float* x, size_t n);
  /// y[i] += scale * x[i].
  void (*axpy)(float* y, const float* x, float scale, size_t n);
  /// sum x[i] * y[i] in this ISA's one reduction tree.
  float (*dot_f32)(const float* x, const float* y, size_t n);
  /// x[i] = exp(x[i] - max) and returns the sum, in one fixed order.
  float (*exp_sum)(float* x, float max, size_t n);
  /// Rows of f16 to f32 and back, for the KV cache.
  void (*f16_to_f32)(const uint16_t* x, float* y, size_t n);
  void (*f32_to_f16)(const float* x, uint16_t* y, size_t n);
  /// One head's query, times `scale`, as the other two want it: n numbers, or n rounded up to 32.
  void (*attend_query)(const float* query, float scale, float* out, size_t n);
  KvKernels kv[kKvTypes];  ///< by KvType
  /// sum x[i] * f32(y[i]) for an f16 row y.
  float (*dot_f16)(const float* x, const uint16_t* y, size_t n);
  /// y[i] += scale * f32(x[i]) for an f16 row x.
  void (*axpy_f16)(float* y, const uint16_t* x, float scale, size_t n);
  /// The second half of a LoRA adapter's addition (low_rank.h); y may start anywhere, which changes no bit.
  void (*add_low_rank)(const LowRankArgs& args);
};

/// Best row for this CPU; the environment's ZELL_ISA=NAME forces one (an unknown or unsupported name: the best, and
/// ForcedIsaError() says why). Fixed at first use.
const Kernels& ActiveKernels();
const char* ForcedIsaError();
/// Scalar first; tests and benchmarks iterate over it.
std::span<const Kernels* const> SupportedKernels();

}  // namespace zell::kernels
