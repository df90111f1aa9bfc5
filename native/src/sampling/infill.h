// llama.cpp's sampler for code completion: ends early rather than saying what it is not sure of.
#pragma once

#include "sampling/params.h"
#include "sampling/pool.h"

namespace zell::sampling::internal {

/// When ending is likely enough, only ends stay. Else tokens that begin others are joined with them, and those stay
/// that are sure: of a fifth of the mass, and of at least their even share of what is left. Ends stay with them; when
/// none is sure, the answer ends. Meant for a pool that other filters made small: quadratic in it.
void KeepSure(Pool& pool, const TokenTexts& texts);

}  // namespace zell::sampling::internal
