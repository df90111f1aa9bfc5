// The matmul op on the CPU: rows of the weights split over threads, epilogues while a tile is in cache.
#pragma once

#include "backend/cpu/run_state.h"

namespace zell::backend {

/// Activation formats that the parts of an op need, each once.
std::vector<kernels::ActivationFormat> FormatsOf(const Plan& plan, const Op& op);

/// Tiles of an op in this run.
uint32_t CountMatmulTasks(const Machine& machine, const RunState& state, const Op& op);
/// What a thread multiplies next, and which weights it asked memory for last: with few columns, weights come from there
/// all the time, and the first rows of a tile would be waited for. One for each thread and run.
struct Ahead {
  const Op* op = nullptr;  ///< the next matmul after the present one; null: none
  int thread = 0;
  const uint8_t* next = nullptr;
  const uint8_t* asked = nullptr;
};

/// This thread's share: claims tiles until none is left or the run stops. scratch: [MatmulScratchFloats].
void RunMatmul(const Machine& machine, const RunState& state, const Op& op, TaskQueue& queue, Ahead& ahead,
               float* scratch);
size_t MatmulScratchFloats();

}  // namespace zell::backend
