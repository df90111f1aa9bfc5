// What every kernels_<isa>.cc and codebook_<isa>.cc includes besides the intrinsics of its instruction set.
#pragma once

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/tables.h"
#include "quant/codebooks.h"
