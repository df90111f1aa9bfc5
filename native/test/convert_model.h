// Rewrites a model with its matrices in another type: the oracle's view of our dequantisation, and test material.
#pragma once

#include <string>

#include "base/status.h"
#include "quant/blocks.h"

namespace zell::test {

/// Every tensor of two or more dimensions gets `type`, vectors become F32. Where rows are not whole blocks of `type`,
/// Q8_0 takes its place, else F16, and a line on stderr says so. Split sets become one file.
base::Status ConvertModel(const std::string& in, const std::string& out, quant::TensorType type);

}  // namespace zell::test
