// SamplingParams of protocol/src/engine.ts as the sampler's own.
#include <array>
#include <cmath>
#include <limits>
#include <utility>

#include "addon/step_arguments.h"

namespace zell::addon {
namespace {

using sampling::Step;

constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
constexpr uint32_t kMostBiases = 1u << 20, kMostBreakers = 256, kMostSteps = 64;

constexpr std::array kSteps = {
    std::pair{"penalties", Step::kPenalties},
    std::pair{"dry", Step::kDry},
    std::pair{"top_n_sigma", Step::kTopNSigma},
    std::pair{"top_k", Step::kTopK},
    std::pair{"typ_p", Step::kTypical},
    std::pair{"top_p", Step::kTopP},
    std::pair{"min_p", Step::kMinP},
    std::pair{"xtc", Step::kXtc},
    std::pair{"temperature", Step::kTemperature},
    std::pair{"infill", Step::kInfill},
    std::pair{"adaptive_p", Step::kAdaptive},
};

/// Reads the fields of one object.
class Fields {
 public:
  Fields(Reader& reader, const Napi::Object& object) : reader_(reader), object_(object) {}

  void Number(const char* name, double least, double most, float& into) {
    const Napi::Value value = object_.Get(name);
    if (Reader::Has(value)) into = static_cast<float>(reader_.Number(value, name, least, most));
  }

  template <typename T>
  void Integer(const char* name, int64_t least, int64_t most, T& into) {
    const Napi::Value value = object_.Get(name);
    if (Reader::Has(value)) into = static_cast<T>(reader_.Integer(value, name, least, most));
  }

  /// Calls `each` for the elements of a list, if there is one.
  template <typename Each>
  void List(const char* name, uint32_t most, Each each) {
    const Napi::Value value = object_.Get(name);
    if (!reader_.ok() || !Reader::Has(value)) return;
    reader_.Expect(value.IsArray() && value.As<Napi::Array>().Length() <= most,
                   std::string(name) + " to be a list of at most " + std::to_string(most));
    if (!reader_.ok()) return;
    const Napi::Array array = value.As<Napi::Array>();
    for (uint32_t i = 0; reader_.ok() && i < array.Length(); ++i) each(array.Get(i));
  }

  /// Calls `read` with the fields of an object in it, if there is one.
  template <typename Read>
  void Group(const char* name, Read read) {
    const Napi::Value value = object_.Get(name);
    if (!reader_.ok() || !Reader::Has(value)) return;
    const Napi::Object group = reader_.Object(value, name);
    if (reader_.ok()) read(Fields(reader_, group));
  }

 private:
  Reader& reader_;
  Napi::Object object_;
};

std::pair<int32_t, float> ReadBias(Reader& reader, const Napi::Value& pair) {
  reader.Expect(pair.IsArray() && pair.As<Napi::Array>().Length() == 2, "logitBias to hold [token, bias] pairs");
  if (!reader.ok()) return {};
  const Napi::Value token = pair.As<Napi::Array>().Get(uint32_t{0}), amount = pair.As<Napi::Array>().Get(uint32_t{1});
  const int32_t id = static_cast<int32_t>(reader.Integer(token, "a logitBias token", 0, kMost));
  return {id, amount.IsNull() ? -INFINITY : static_cast<float>(reader.Number(amount, "a logit bias", -1e6, 1e6))};
}

Step ReadStep(Reader& reader, const Napi::Value& value) {
  const std::string name = reader.Text(value, "a sampler");
  for (const auto& [known, step] : kSteps) {
    if (name == known) return step;
  }
  reader.Expect(false, "known samplers");
  return Step::kPenalties;
}

}  // namespace

sampling::SamplerParams ReadSampling(Reader& reader, const Napi::Value& value) {
  sampling::SamplerParams params;
  const Napi::Object object = reader.Object(value, "params");
  if (!reader.ok()) return params;
  Fields fields(reader, object);
  const auto number = [&](const char* name, double least, double most) {
    return static_cast<float>(reader.Number(object.Get(name), name, least, most));
  };
  params.temperature = number("temperature", 0, 100);
  params.top_k = static_cast<int32_t>(reader.Integer(object.Get("topK"), "topK", 0, kMost));
  params.top_p = number("topP", 0, 1);
  params.min_p = number("minP", 0, 1);
  params.repeat_penalty = number("repeatPenalty", 1e-3, 1e3);
  params.repeat_last_n = static_cast<int32_t>(reader.Integer(object.Get("repeatLastN"), "repeatLastN", -1, kMost));
  params.frequency_penalty = number("frequencyPenalty", -1e3, 1e3);
  params.presence_penalty = number("presencePenalty", -1e3, 1e3);
  params.seed = reader.Unsigned(object.Get("seed"), "seed");
  fields.Number("typicalP", 0, 1, params.typical_p);
  fields.Number("topNSigma", 0, 1e6, params.top_n_sigma);
  fields.Integer("minKeep", 0, kMost, params.min_keep);
  fields.Group("dynamicTemperature", [&](Fields group) {
    group.Number("range", 0, 100, params.dynamic_range);
    group.Number("exponent", 1e-3, 1e3, params.dynamic_exponent);
  });
  fields.Group("xtc", [&](Fields group) {
    group.Number("probability", 0, 1, params.xtc_probability);
    group.Number("threshold", 0, 1, params.xtc_threshold);
  });
  fields.Group("dry", [&](Fields group) {
    group.Number("multiplier", -1e3, 1e3, params.dry.multiplier);
    group.Number("base", 1, 1e3, params.dry.base);
    group.Integer("allowedLength", 0, kMost, params.dry.allowed_length);
    group.Integer("lastN", -1, kMost, params.dry.last_n);
    group.List("breakers", kMostBreakers, [&](const Napi::Value& text) {
      params.dry.breaker_texts.push_back(reader.Text(text, "a sequence breaker"));
    });
  });
  fields.Group("mirostat", [&](Fields group) {
    group.Integer("version", 1, 2, params.mirostat.version);
    group.Number("tau", 0, 1e3, params.mirostat.tau);
    group.Number("eta", 0, 1e3, params.mirostat.eta);
  });
  fields.Group("adaptive", [&](Fields group) {
    group.Number("target", 0, 1, params.adaptive_target);
    group.Number("decay", 0, 0.99, params.adaptive_decay);
  });
  fields.List("logitBias", kMostBiases,
              [&](const Napi::Value& pair) { params.logit_bias.push_back(ReadBias(reader, pair)); });
  if (Reader::Has(object.Get("samplers"))) params.order.clear();
  fields.List("samplers", kMostSteps, [&](const Napi::Value& name) { params.order.push_back(ReadStep(reader, name)); });
  return params;
}

}  // namespace zell::addon
