// Writes LoRA adapters as GGUF files that Zell and its relatives read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "gguf/writer.h"

namespace zell::lora {

/// The addition to one matrix of `rows` rows of `cols` weights.
struct AdapterMatrix {
  std::string weight;  ///< the model's tensor, `blk.0.attn_q.weight`
  uint64_t cols = 0;
  uint64_t rows = 0;
  uint32_t rank = 0;
  /// The weight is an embedding with a row for each token: A has those rows, B the ones of its width.
  bool embedding = false;
  std::span<const float> a;  ///< [rank][cols]; of an embedding [rows][rank]
  std::span<const float> b;  ///< [rows][rank]; of an embedding [cols][rank]
};

struct AdapterFile {
  std::string architecture;  ///< the model's
  std::string name;          ///< empty: none
  std::string base_hash;     ///< the model's hash, checked when the adapter is loaded; empty: none
  float alpha = 0.0f;
  quant::TensorType type = quant::TensorType::kF32;  ///< of both halves: F32, F16 or BF16
  std::vector<AdapterMatrix> matrices;
  /// Further metadata, as it is.
  std::vector<std::pair<std::string, gguf::FileValue>> metadata;
};

/// The file appears under its name when it is whole.
/// @errors kInvalidRequest: no matrices, sizes that do not fit, another type, a name used twice; kIo, kNotFound.
base::Status WriteAdapter(const std::string& path, const AdapterFile& adapter);

}  // namespace zell::lora
