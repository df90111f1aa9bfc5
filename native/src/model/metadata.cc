#include "model/metadata.h"

#include <cmath>

namespace zell::model {
namespace {

base::Status Bad(const std::string& message) { return {base::StatusCode::kBadModelFile, message}; }

}  // namespace

base::Result<uint32_t> Metadata::U32(std::string_view name, uint32_t least, uint32_t most) const {
  const std::string key = prefix_ + std::string(name);
  const gguf::Value* found = file_.Find(key);
  std::optional<uint64_t> value = file_.U64(key);
  if (found != nullptr && !value) {
    bool differs = false;
    const auto first_of = [&](const auto& list) {
      for (const auto& element : list) {
        if (element < 0) return;
        if (value && *value != static_cast<uint64_t>(element)) differs = true;
        value = static_cast<uint64_t>(element);
      }
    };
    if (const auto* list = std::get_if<std::vector<uint64_t>>(found)) first_of(*list);
    if (const auto* list = std::get_if<std::vector<int64_t>>(found)) first_of(*list);
    if (differs) {
      return base::Status{base::StatusCode::kUnsupportedModel, key + " differs between layers, which is not supported"};
    }
  }
  if (!value) return Bad(found == nullptr ? key + " is missing" : key + " is not one whole number");
  if (*value < least || *value > most) {
    return Bad(key + " is " + std::to_string(*value) + ", expected " + std::to_string(least) + " to " +
               std::to_string(most));
  }
  return static_cast<uint32_t>(*value);
}

base::Result<std::vector<uint32_t>> Metadata::Numbers(std::string_view name, uint32_t layers, uint32_t least,
                                                      uint32_t most) const {
  const std::string key = prefix_ + std::string(name);
  const gguf::Value* found = file_.Find(key);
  std::vector<uint32_t> numbers;
  bool in_range = true;
  const auto take = [&](const auto& list) {
    for (const auto& element : list) {
      in_range =
          in_range && element >= 0 && static_cast<uint64_t>(element) >= least && static_cast<uint64_t>(element) <= most;
      numbers.push_back(static_cast<uint32_t>(element));
    }
  };
  if (found != nullptr && std::holds_alternative<std::vector<uint64_t>>(*found)) {
    take(std::get<std::vector<uint64_t>>(*found));
  } else if (found != nullptr && std::holds_alternative<std::vector<int64_t>>(*found)) {
    take(std::get<std::vector<int64_t>>(*found));
  } else {
    base::Result<uint32_t> one = U32(name, least, most);
    if (!one.ok()) return one.status();
    return std::vector<uint32_t>(layers, *one);
  }
  if (!in_range || numbers.size() < layers) {
    return Bad(key + " is no list of " + std::to_string(layers) + " numbers from " + std::to_string(least) + " to " +
               std::to_string(most));
  }
  numbers.resize(layers);
  return numbers;
}

base::Result<bool> Metadata::BoolOr(std::string_view name, bool fallback) const {
  if (!Has(name)) return fallback;
  const std::string key = prefix_ + std::string(name);
  const std::optional<bool> value = file_.Bool(key);
  if (!value) return Bad(key + " is neither true nor false");
  return *value;
}

std::vector<bool> Metadata::Flags(std::string_view name) const {
  std::vector<bool> flags;
  const gguf::Value* found = file_.Find(prefix_ + std::string(name));
  if (found == nullptr) return flags;
  if (const auto* list = std::get_if<std::vector<bool>>(found)) return *list;
  const auto take = [&](const auto& list) {
    for (const auto& element : list) flags.push_back(element != 0);
  };
  if (const auto* list = std::get_if<std::vector<uint64_t>>(found)) take(*list);
  if (const auto* list = std::get_if<std::vector<int64_t>>(found)) take(*list);
  return flags;
}

base::Result<uint32_t> Metadata::U32Or(std::string_view name, uint32_t fallback, uint32_t least, uint32_t most) const {
  if (!Has(name)) return fallback;
  return U32(name, least, most);
}

base::Result<double> Metadata::F64(std::string_view name, double least, double most) const {
  const std::string key = prefix_ + std::string(name);
  const std::optional<double> value = file_.F64(key);
  if (!value) return Bad(file_.Find(key) == nullptr ? key + " is missing" : key + " is not one number");
  if (!std::isfinite(*value) || *value < least || *value > most) return Bad(key + " is out of range");
  return *value;
}

base::Result<double> Metadata::F64Or(std::string_view name, double fallback, double least, double most) const {
  if (!Has(name)) return fallback;
  return F64(name, least, most);
}

#define ZELL_READ(field, expr)                          \
  do {                                                  \
    auto zell_value_ = (expr);                          \
    if (!zell_value_.ok()) return zell_value_.status(); \
    field = static_cast<decltype(field)>(*zell_value_); \
  } while (false)

base::Result<DecoderShape> ReadDecoderShape(const Metadata& metadata, std::string_view epsilon) {
  DecoderShape s;
  ZELL_READ(s.layers, metadata.U32("block_count", 1, 1024));
  ZELL_READ(s.embedding, metadata.U32("embedding_length", 1, 1 << 17));
  ZELL_READ(s.feed_forward, metadata.U32("feed_forward_length", 1, 1 << 20));
  ZELL_READ(s.heads, metadata.U32("attention.head_count", 1, 1024));
  ZELL_READ(s.kv_heads, metadata.U32Or("attention.head_count_kv", s.heads, 1, 1024));
  ZELL_READ(s.context, metadata.U32("context_length", 1, 1 << 26));
  if (s.heads % s.kv_heads != 0) {
    return Bad("attention.head_count (" + std::to_string(s.heads) + ") is no multiple of attention.head_count_kv (" +
               std::to_string(s.kv_heads) + ")");
  }
  if (!metadata.Has("attention.key_length") && s.embedding % s.heads != 0) {
    return Bad("embedding_length (" + std::to_string(s.embedding) + ") is no multiple of attention.head_count (" +
               std::to_string(s.heads) + ")");
  }
  ZELL_READ(s.key_dim, metadata.U32Or("attention.key_length", s.embedding / s.heads, 1, 1024));
  ZELL_READ(s.value_dim, metadata.U32Or("attention.value_length", s.key_dim, 1, 1024));
  ZELL_READ(s.rope_dims, metadata.U32Or("rope.dimension_count", s.key_dim, 2, 1024));
  if (s.rope_dims % 2 != 0 || s.rope_dims > s.key_dim) {
    return Bad("rope.dimension_count is " + std::to_string(s.rope_dims) + ", expected an even number up to " +
               std::to_string(s.key_dim));
  }
  ZELL_READ(s.eps, metadata.F64(epsilon, 1e-13, 1.0));
  ZELL_READ(s.rope_base, metadata.F64Or("rope.freq_base", 10000.0, 1.0, 1e12));
  return s;
}

#undef ZELL_READ

}  // namespace zell::model
