#include "type_mix.h"

#include <charconv>

namespace zell::test {
namespace {

using quant::TensorType;

/// The first and the last eighth of the layers, and every third between.
bool GetsBetter(uint64_t layer, uint64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

}  // namespace

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
