// Checked look-ups of an architecture's hyperparameters. The file is hostile: every number has a range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "gguf/file.h"

namespace zell::model {

/// Reads keys `{architecture}.{name}`. Failures are kBadModelFile and name the key and its range.
class Metadata {
 public:
  Metadata(const gguf::File& file, std::string architecture) : file_(file), prefix_(std::move(architecture) + ".") {}

  /// A list (a number for each layer) counts as its number when all are the same.
  base::Result<uint32_t> U32(std::string_view name, uint32_t least, uint32_t most) const;
  /// `fallback` when the key is absent.
  base::Result<uint32_t> U32Or(std::string_view name, uint32_t fallback, uint32_t least, uint32_t most) const;
  base::Result<double> F64(std::string_view name, double least, double most) const;
  base::Result<double> F64Or(std::string_view name, double fallback, double least, double most) const;
  /// A number for each layer: a list of at least so many, or one number for all.
  base::Result<std::vector<uint32_t>> Numbers(std::string_view name, uint32_t layers, uint32_t least,
                                              uint32_t most) const;
  base::Result<bool> BoolOr(std::string_view name, bool fallback) const;
  std::optional<std::string_view> Str(std::string_view name) const { return file_.Str(prefix_ + std::string(name)); }
  /// A list with an element for each layer, of truth values or numbers; empty when absent or no list.
  std::vector<bool> Flags(std::string_view name) const;
  bool Has(std::string_view name) const { return file_.Find(prefix_ + std::string(name)) != nullptr; }

 private:
  const gguf::File& file_;
  std::string prefix_;
};

/// The numbers that every decoder has.
struct DecoderShape {
  uint32_t layers = 0;
  uint32_t embedding = 0;
  uint32_t feed_forward = 0;
  uint32_t heads = 0;
  uint32_t kv_heads = 0;
  uint32_t key_dim = 0;
  uint32_t value_dim = 0;
  uint32_t rope_dims = 0;
  uint32_t context = 0;
  double rope_base = 10000.0;
  float eps = 0.0f;
};

/// `epsilon`: the key of the norms' epsilon.
/// @errors kBadModelFile (a key absent, of another type, out of range or not fitting the others), kUnsupportedModel
/// (numbers that differ between layers).
base::Result<DecoderShape> ReadDecoderShape(const Metadata& metadata, std::string_view epsilon);

}  // namespace zell::model
