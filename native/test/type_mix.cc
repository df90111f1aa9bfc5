#include "type_mix.h"

#include <charconv>
#include <optional>

namespace zell::test {
namespace {

using quant::TensorType;

struct Replacement {
  std::string_view wanted, instead;
};

/// By name, since not every type of the list is one that this build knows.
constexpr Replacement kReplacements[] = {
    {"Q2_K", "IQ4_NL"},    {"Q3_K", "IQ4_NL"},  {"Q4_K", "Q5_0"},      {"Q5_K", "Q5_1"},    {"Q6_K", "Q8_0"},
    {"IQ4_XS", "IQ4_NL"},  {"IQ3_S", "IQ4_NL"}, {"IQ3_XXS", "IQ4_NL"}, {"IQ2_S", "IQ4_NL"}, {"IQ2_XS", "IQ4_NL"},
    {"IQ2_XXS", "IQ4_NL"}, {"IQ1_S", "IQ4_NL"}, {"IQ1_M", "IQ4_NL"},
};

std::optional<TensorType> TypeNamed(std::string_view name) {
  for (const quant::TypeInfo& info : quant::Types()) {
    if (name == info.name) return info.type;
  }
  return std::nullopt;
}

bool Fits(TensorType type, uint64_t row) { return row % quant::InfoOf(type).block_weights == 0; }

/// The first and the last eighth of the layers, and every third between.
bool GetsBetter(uint64_t layer, uint64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

}  // namespace

TensorType TypeForRow(TensorType wanted, uint64_t row) {
  if (Fits(wanted, row)) return wanted;
  for (const Replacement& r : kReplacements) {
    if (r.wanted != quant::InfoOf(wanted).name) continue;
    const std::optional<TensorType> instead = TypeNamed(r.instead);
    if (instead && Fits(*instead, row)) return *instead;
  }
  return Fits(TensorType::kQ8_0, row) ? TensorType::kQ8_0 : TensorType::kF16;
}

TensorType TypeInMix(TensorType base, TensorType better, std::string_view tensor, std::string_view output,
                     uint64_t layers) {
  if (tensor == output) return better;
  constexpr std::string_view kLayer = "blk.";
  if (!tensor.starts_with(kLayer)) return base;
  uint64_t layer = 0;
  const auto [end, error] = std::from_chars(tensor.data() + kLayer.size(), tensor.data() + tensor.size(), layer);
  if (error != std::errc()) return base;
  const std::string_view rest(end, static_cast<size_t>(tensor.data() + tensor.size() - end));
  const bool chosen = rest == ".attn_v.weight" || rest.starts_with(".ffn_down");
  return chosen && GetsBetter(layer, layers) ? better : base;
}

}  // namespace zell::test
