// The most integer products that an instruction set can do: the ceiling that prefill is compared with.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/kernels.h"

namespace zell::kernels {

/// Repeats the instruction that the ISA's matrix products are made of `rounds` times, on registers (or tiles) alone,
/// with as many independent sums as hide its latency. The ISA must be one of SupportedKernels().
/// @returns the operations done: 2 for each product with its addition, 0 for an ISA that has no such loop here.
uint64_t RunInt8Products(Isa isa, size_t rounds);

}  // namespace zell::kernels
