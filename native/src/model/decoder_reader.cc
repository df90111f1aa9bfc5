#include "model/decoder_reader.h"

#include <algorithm>

namespace zell::model {

DecoderReader::DecoderReader(const gguf::File& file, const BuildOptions& options, const char* architecture,
                             NormKind norm)
    : file_(file), metadata_(file, architecture), architecture_(architecture) {
  traits.norm = norm;
  base::Result<DecoderShape> read = ReadDecoderShape(
      metadata_, norm == NormKind::kRms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon");
  if (read.ok()) {
    shape = *read;
  } else {
    status_ = read.status();
  }
  context_ = options.context != 0 ? std::min(options.context, shape.context) : shape.context;
}

template <typename T>
T DecoderReader::Take(base::Result<T> value, T fallback) {
  if (value.ok()) return *value;
  if (status_.ok()) status_ = value.status();
  return fallback;
}

uint32_t DecoderReader::U32(std::string_view key, uint32_t fallback, uint32_t least, uint32_t most) {
  return Take(metadata_.U32Or(key, fallback, least, most), fallback);
}
float DecoderReader::F32(std::string_view key, float fallback, double least, double most) {
  return static_cast<float>(Take<double>(metadata_.F64Or(key, fallback, least, most), fallback));
}
bool DecoderReader::Bool(std::string_view key, bool fallback) {
  return Take(metadata_.BoolOr(key, fallback), fallback);
}
uint32_t DecoderReader::RequiredU32(std::string_view key, uint32_t least, uint32_t most) {
  return Take(metadata_.U32(key, least, most), least);
}
float DecoderReader::RequiredF32(std::string_view key, double least, double most) {
  return static_cast<float>(Take(metadata_.F64(key, least, most), least));
}
void DecoderReader::Fail(base::StatusCode code, const std::string& message) {
  if (status_.ok()) status_ = {code, message};
}

void DecoderReader::RefuseExperts() {
  const uint32_t experts = U32("expert_count", 0, 0, 1 << 16);
  if (experts == 0) return;
  const std::string name = architecture_;
  Fail(base::StatusCode::kUnsupportedModel, "this " + name + " model is a mixture of " + std::to_string(experts) +
                                                " experts (" + name + ".expert_count), which is not supported yet");
}

void DecoderReader::SkipDraftLayers() {
  const uint32_t drafts = U32("nextn_predict_layers", 0, 0, shape.layers > 0 ? shape.layers - 1 : 0);
  shape.layers -= drafts;
}

void DecoderReader::Rotate(bool split_halves) {
  if (!status_.ok()) return;
  const RopeRequest request{shape.rope_dims, shape.rope_base, split_halves, true, true, context_};
  traits.rope = Take(ReadRope(file_, metadata_, request), {});
}

void DecoderReader::RotateWindows(double base, bool scaled) {
  if (!status_.ok() || traits.windowed.empty()) return;
  const RopeRequest request{shape.rope_dims, base, traits.rope.split_halves, scaled, true, context_};
  traits.window_rope = Take(ReadRope(file_, metadata_, request), {});
}

void DecoderReader::ReadWindows(uint32_t fallback, uint32_t period) {
  traits.window = U32("attention.sliding_window", fallback, 0, 1u << 26);
  if (traits.window == 0) return;
  std::vector<bool> flags = metadata_.Flags("attention.sliding_window_pattern");
  if (flags.empty()) {
    period = U32("attention.sliding_window_pattern", period, 0, 1024);
    for (uint32_t layer = 0; layer < shape.layers; ++layer) {
      flags.push_back(period == 0 || layer % period < period - 1);
    }
  }
  if (flags.size() < shape.layers) {
    Fail(base::StatusCode::kBadModelFile, "attention.sliding_window_pattern has fewer elements than the model layers");
  }
  flags.resize(shape.layers);
  traits.windowed = std::move(flags);
}

base::Result<backend::Plan> DecoderReader::Build() {
  if (!status_.ok()) return status_;
  return BuildDecoderPlan(file_, shape, traits);
}

}  // namespace zell::model
