// Ops that work on one row alone: embedding, norms, rotation, writing KV.
#pragma once

#include "backend/cpu/run_state.h"

namespace zell::backend {

/// Fills state.ropes for the rows of a batch.
void FillRopeTables(const Plan& plan, RunState& state);

/// y += scale * x, the same bits wherever it is done.
void AddScaled(const Machine& machine, float scale, const float* x, float* y, size_t n);

/// What a norm op makes of `in`, at `out`: both as wide as its values, and they may be the same.
void NormRow(const Machine& machine, const Op& op, const float* in, float* out);

/// Runs a row-wise op on one row. scratch: [RowScratchFloats] floats of this thread.
void RunRowOp(const Machine& machine, const RunState& state, const Op& op, size_t row, float* scratch);
size_t RowScratchFloats(const Plan& plan);

/// `in`'s row to the activation buffer of `format`, as that many columns.
void QuantizeRow(const Machine& machine, kernels::ActivationFormat format, ValueId in, size_t row, size_t columns);

}  // namespace zell::backend
