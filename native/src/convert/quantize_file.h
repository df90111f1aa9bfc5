// Writes a model again in other tensor types.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "quant/blocks.h"

namespace zell::convert {

struct QuantizeOptions {
  std::string recipe = {};  ///< a name of Recipes()
  /// Instead of a recipe: what every tensor of two or more dimensions gets (see TypeForRow); vectors become F32.
  std::optional<quant::TensorType> type = {};
  std::string importance = {};  ///< path of an importance matrix, or empty
  int threads = 1;
};

struct QuantizeReport {
  struct Type {
    std::string name;
    uint64_t tensors = 0;
    uint64_t bytes = 0;
  };
  uint64_t weights = 0;
  uint64_t bytes_before = 0;  ///< of all files of the input
  uint64_t bytes_after = 0;
  std::vector<Type> types;          ///< of the new file, in order of first use
  uint64_t fell_back = 0;           ///< tensors whose rows did not fit the recipe's type
  uint64_t without_importance = 0;  ///< quantised tensors that the importance matrix says nothing about
  bool from_quantised = false;      ///< the input had been quantised already: its errors stay in
};

/// Reads `in` (any file of a split set), writes one file `out` (replaced in one step at the end; nothing remains after
/// an error). `progress` is called on this thread with bytes of tensors read and in all. Memory: some MB per thread.
/// @errors those of gguf::File::Open and Importance::Read; kInvalidRequest (unknown recipe, in and out are one file, a
/// tensor with values that are not finite); kUnsupported (a type that has no quantiser); kIo (a full disk); kCancelled.
base::Result<QuantizeReport> QuantizeFile(const std::string& in, const std::string& out, const QuantizeOptions& options,
                                          const std::function<void(uint64_t done, uint64_t total)>& progress,
                                          const std::atomic<bool>& stop);

}  // namespace zell::convert
