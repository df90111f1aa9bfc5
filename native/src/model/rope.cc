#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

namespace zell::model {
namespace {

base::Status Bad(const std::string& message) { return {base::StatusCode::kBadModelFile, message}; }

struct Scaling {
  std::string_view type;   ///< linear, yarn, longrope, none
  double factor = 1.0;     ///< positions are divided by it
  double magnitude = 1.0;  ///< `attn_factor`
  double log_multiplier = 0.0;
  double beta_fast = 32.0, beta_slow = 1.0;
  uint32_t original_context = 0;
};

#define ZELL_READ(field, expr)                          \
  do {                                                  \
    auto zell_value_ = (expr);                          \
    if (!zell_value_.ok()) return zell_value_.status(); \
    field = static_cast<decltype(field)>(*zell_value_); \
  } while (false)

base::Result<Scaling> ReadScaling(const Metadata& metadata) {
  Scaling s;
  s.type = metadata.Str("rope.scaling.type").value_or("linear");
  if (metadata.Has("rope.scaling.type") && !metadata.Str("rope.scaling.type")) s.type = "";
  if (s.type != "linear" && s.type != "yarn" && s.type != "longrope" && s.type != "none") {
    return base::Status{base::StatusCode::kUnsupportedModel,
                        "rope.scaling.type '" + std::string(s.type).substr(0, 64) + "' is not supported"};
  }
  // Older files name only the factor, by another name. 0 stands for none.
  ZELL_READ(s.factor, metadata.F64Or("rope.scale_linear", 0.0, 0.0, 1e6));
  ZELL_READ(s.factor, metadata.F64Or("rope.scaling.factor", s.factor, 0.0, 1e6));
  if (s.factor < 1e-3 || s.type == "none") s.factor = 1.0;
  ZELL_READ(s.magnitude, metadata.F64Or("rope.scaling.attn_factor", 1.0, 1e-3, 1e3));
  ZELL_READ(s.log_multiplier, metadata.F64Or("rope.scaling.yarn_log_multiplier", 0.0, 0.0, 1e3));
  ZELL_READ(s.beta_fast, metadata.F64Or("rope.scaling.yarn_beta_fast", 32.0, 1e-3, 1e6));
  ZELL_READ(s.beta_slow, metadata.F64Or("rope.scaling.yarn_beta_slow", 1.0, 1e-3, 1e6));
  ZELL_READ(s.original_context, metadata.U32("context_length", 1, 1u << 26));
  ZELL_READ(s.original_context,
            metadata.U32Or("rope.scaling.original_context_length", s.original_context, 1, 1u << 26));
  return s;
}

#undef ZELL_READ

/// The divisors of each pair's turn; empty: none.
base::Result<std::vector<double>> ReadFactors(const gguf::File& file, const std::string& name, uint32_t pairs) {
  std::vector<double> factors;
  const gguf::TensorInfo* tensor = file.FindTensor(name);
  if (tensor == nullptr) return factors;
  if (tensor->type != quant::TensorType::kF32 || tensor->n_weights != pairs || tensor->dims[0] != pairs) {
    return Bad("tensor " + name + " is not " + std::to_string(pairs) + " numbers of F32");
  }
  const uint8_t* bytes = file.data(*tensor).data();
  for (uint32_t i = 0; i < pairs; ++i) {
    float factor;
    std::memcpy(&factor, bytes + i * sizeof factor, sizeof factor);
    if (!std::isfinite(factor) || factor <= 0) return Bad("tensor " + name + " has a factor that is not positive");
    factors.push_back(factor);
  }
  return factors;
}

/// The pair that turns `turns` times over the original context: where yarn's blend begins or ends.
double PairOfTurns(const RopeRequest& r, const Scaling& s, double turns) {
  const double pi = std::numbers::pi;
  return r.dims * std::log(s.original_context / (turns * 2 * pi)) / (2 * std::log(r.base));
}

/// How much attention sharpens when positions are stretched.
double YarnMagnitude(double factor, double multiplier) {
  return factor <= 1 ? 1.0 : 0.1 * multiplier * std::log(factor) + 1.0;
}

}  // namespace

base::Result<backend::RopeSpec> ReadRope(const gguf::File& file, const Metadata& metadata, const RopeRequest& r) {
  base::Result<Scaling> read = ReadScaling(metadata);
  if (!read.ok()) return read.status();
  const Scaling& s = *read;
  const uint32_t pairs = r.dims / 2;
  const char* name = file.FindTensor("rope_freqs.weight") != nullptr ? "rope_freqs.weight"
                     : r.context > s.original_context                ? "rope_factors_long.weight"
                                                                     : "rope_factors_short.weight";
  base::Result<std::vector<double>> factors = r.factors ? ReadFactors(file, name, pairs) : std::vector<double>();
  if (!factors.ok()) return factors.status();

  backend::RopeSpec rope;
  rope.split_halves = r.split_halves;
  const bool yarn = r.scaled && s.type == "yarn";
  double low = 0, high = 0;
  if (yarn) {
    if (r.base <= 1.0) return Bad("rope.freq_base must be above 1 for yarn");
    low = std::max(0.0, std::floor(PairOfTurns(r, s, s.beta_fast)));
    high = std::min(r.dims - 1.0, std::ceil(PairOfTurns(r, s, s.beta_slow)));
  }
  for (uint32_t i = 0; i < pairs; ++i) {
    double turn = std::pow(r.base, -2.0 * i / r.dims);
    if (!factors->empty()) turn /= (*factors)[i];
    // Fast pairs keep their turn, slow ones are stretched, those between are blended.
    const double kept = yarn ? 1 - std::clamp((i - low) / std::max(0.001, high - low), 0.0, 1.0) : 0.0;
    rope.turns.push_back(r.scaled ? turn * (kept + (1 - kept) / s.factor) : turn);
  }
  if (r.scaled) rope.magnitude = s.magnitude;
  if (yarn) {
    rope.magnitude *= YarnMagnitude(s.factor, 1.0);
    if (s.log_multiplier != 0) rope.magnitude /= YarnMagnitude(s.factor, s.log_multiplier);
  }
  return rope;
}

}  // namespace zell::model
