// LoRA adapters with random numbers for the matrices of any model file, for tests and measurements.
#pragma once

#include <cmath>
#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "gguf/file.h"
#include "lora/writer.h"

namespace zell::test {

struct RandomAdapterFile {
  uint32_t rank = 8;
  float alpha = 16.0f;
  uint32_t seed = 1;
  float size = 1.0f;  ///< of the addition, beside the weights' own
  quant::TensorType type = quant::TensorType::kF32;
  /// Which of the model's matrices it changes; those of the layers by default.
  std::function<bool(const std::string&)> wanted = [](const std::string& name) { return name.starts_with("blk."); };
  std::function<void(lora::AdapterFile&)> change = [](lora::AdapterFile&) {};  ///< last word
};

/// Writes the adapter to `path`. The numbers are so large that the model's answers change, and not too large.
inline base::Status WriteRandomAdapter(const gguf::File& model, const std::string& path,
                                       const RandomAdapterFile& what) {
  lora::AdapterFile file;
  file.architecture = std::string(model.Str("general.architecture").value_or(""));
  file.alpha = what.alpha;
  file.type = what.type;
  uint64_t state = what.seed;
  std::deque<std::vector<float>> numbers;
  const auto random = [&](size_t n, double deviation) {
    std::vector<float>& x = numbers.emplace_back(n);
    for (float& v : x) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      v = (static_cast<float>(state >> 40) / 8388608.0f - 1.0f) * 1.7320508f * static_cast<float>(deviation);
    }
    return std::span<const float>(x);
  };
  for (const gguf::TensorInfo& tensor : model.tensors()) {
    if (tensor.n_dims != 2 || !what.wanted(tensor.name)) continue;
    lora::AdapterMatrix m;
    m.weight = tensor.name;
    m.cols = tensor.dims[0];
    m.rows = tensor.dims[1];
    m.rank = what.rank;
    m.embedding = tensor.name == "token_embd.weight";
    const double b_size = 0.05 * what.size / std::sqrt(static_cast<double>(what.rank));
    m.a = random(what.rank * (m.embedding ? m.rows : m.cols), m.embedding ? 1.0 : 1.0 / std::sqrt(double(m.cols)));
    m.b = random(what.rank * (m.embedding ? m.cols : m.rows), b_size);
    file.matrices.push_back(m);
  }
  what.change(file);
  return lora::WriteAdapter(path, file);
}

}  // namespace zell::test
