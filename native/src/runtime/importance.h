// Measures an importance matrix: what the matrices of a model are multiplied with while it reads some text.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/status.h"

namespace zell::runtime {

struct ImportanceOptions {
  int threads = 1;
  /// Tokens that see each other; the text is cut into pieces of as many, each read from an empty context. At most the
  /// model's context.
  uint32_t chunk_tokens = 512;
};

struct ImportanceReport {
  uint64_t tokens = 0;
  uint32_t chunks = 0;     ///< the last one may be shorter
  uint64_t tensors = 0;    ///< in the file
  uint64_t unreached = 0;  ///< experts' matrices that no token was sent to
};

/// Reads `texts` (paths; UTF-8) one after the other and writes `out`, for every matrix of the model's layers. Each
/// chunk begins with BOS where the model wants it. `progress` is called on this thread with tokens read and in all.
/// Threads change no bit of the result.
/// @errors those of loading a model; kNotFound, kIo (a text, or the folder of `out`); kTooLarge: more than 1 GiB of
/// text; kInvalidRequest: fewer than 16 tokens; kCancelled.
base::Result<ImportanceReport> MeasureImportance(const std::string& model, const std::vector<std::string>& texts,
                                                 const std::string& out, const ImportanceOptions& options,
                                                 const std::function<void(uint64_t done, uint64_t total)>& progress,
                                                 const std::atomic<bool>& stop);

}  // namespace zell::runtime
