// Importance matrices: for every matrix of a model the mean square of each input channel, measured over some text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/status.h"

namespace zell::convert {

/// By name of the tensor.
class Importance {
 public:
  /// Reads llama.cpp's two formats: GGUF (`general.type` = `imatrix`; tensors NAME.in_sum2 and NAME.counts) and the
  /// older binary one. The file is hostile. @errors kNotFound, kIo, kBadModelFile.
  static base::Result<Importance> Read(const std::string& path);

  /// `columns` numbers ≥ 0 for one expert's matrix (0 for a plain one); empty when the file has none for it, or only
  /// zeros (an expert that no text reached), or another width.
  std::span<const float> Find(const std::string& tensor, uint64_t columns, uint64_t expert) const;
  size_t size() const { return entries_.size(); }

 private:
  friend class ImportanceReader;
  std::unordered_map<std::string, std::vector<float>> entries_;
};

}  // namespace zell::convert
