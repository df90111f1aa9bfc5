// Writes importance matrices as llama.cpp does today: a GGUF file of sums and counts.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace zell::convert {

/// What was measured of one tensor.
struct InputStatistics {
  std::string tensor;
  uint64_t columns = 0;         ///< of its matrices
  std::vector<double> squares;  ///< [matrix][columns]: sums over the inputs that met the matrix
  /// [matrix], or one number for all of them.
  std::vector<uint64_t> counts;
};

struct ImportanceSource {
  std::vector<std::string> texts;  ///< names of what was read
  uint32_t chunks = 0;
  uint32_t chunk_tokens = 0;
};

/// The file appears when it is complete. @errors kIo, kNotFound (no such folder); kInvalidRequest: a sum that is not
/// finite (names the tensor).
base::Status WriteImportance(const std::string& path, const ImportanceSource& source,
                             std::span<const InputStatistics> statistics);

}  // namespace zell::convert
