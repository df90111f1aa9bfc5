#include "addon/step_results.h"

#include <cstring>

#include "base/status.h"

namespace zell::addon {
namespace {

Napi::Float32Array ToFloat32Array(Napi::Env env, std::span<const float> values) {
  Napi::Float32Array array = Napi::Float32Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size_bytes());
  return array;
}

Napi::Object ToTop(Napi::Env env, const std::vector<sampling::TokenProbability>& top) {
  Napi::Int32Array tokens = Napi::Int32Array::New(env, top.size());
  Napi::Float32Array logprobs = Napi::Float32Array::New(env, top.size());
  for (size_t i = 0; i < top.size(); ++i) {
    tokens[i] = top[i].token;
    logprobs[i] = top[i].logprob;
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("tokens", tokens);
  object.Set("logprobs", logprobs);
  return object;
}

Napi::Array ToReports(Napi::Env env, const std::vector<runtime::TokenReport>& reports) {
  Napi::Array array = Napi::Array::New(env, reports.size());
  for (size_t i = 0; i < reports.size(); ++i) {
    Napi::Object report = Napi::Object::New(env);
    report.Set("sampledLogprob", Napi::Number::New(env, reports[i].logprob));
    report.Set("top", ToTop(env, reports[i].top));
    array.Set(static_cast<uint32_t>(i), report);
  }
  return array;
}

Napi::Object ToOutput(Napi::Env env, const runtime::StepOutput& output) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("sequence", Napi::Number::New(env, output.sequence));
  if (!output.status.ok()) {
    Napi::Object error = Napi::Object::New(env);
    error.Set("code", base::ToWire(output.status.code));
    error.Set("message", output.status.message);
    object.Set("error", error);
    return object;
  }
  if (output.sampled) object.Set("sampled", Napi::Number::New(env, *output.sampled));
  if (output.accepted > 0) object.Set("accepted", Napi::Number::New(env, output.accepted));
  if (!output.proposed.empty()) object.Set("proposed", ToInt32Array(env, output.proposed));
  if (output.sampled_logprob) object.Set("sampledLogprob", Napi::Number::New(env, *output.sampled_logprob));
  if (output.top) object.Set("top", ToTop(env, *output.top));
  if (!output.accepted_reports.empty()) object.Set("acceptedLogprobs", ToReports(env, output.accepted_reports));
  if (!output.scores.empty()) object.Set("scores", ToFloat32Array(env, output.scores));
  if (!output.logits.empty()) object.Set("logits", ToFloat32Array(env, output.logits));
  if (!output.hidden.empty()) object.Set("hidden", ToFloat32Array(env, output.hidden));
  if (!output.pooled.empty()) object.Set("pooled", ToFloat32Array(env, output.pooled));
  return object;
}

}  // namespace

Napi::Value ToOutputs(Napi::Env env, const std::vector<runtime::StepOutput>& outputs) {
  Napi::Array array = Napi::Array::New(env, outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) array.Set(static_cast<uint32_t>(i), ToOutput(env, outputs[i]));
  return array;
}

Napi::Int32Array ToInt32Array(Napi::Env env, std::span<const int32_t> values) {
  Napi::Int32Array array = Napi::Int32Array::New(env, values.size());
  if (!values.empty()) std::memcpy(array.Data(), values.data(), values.size_bytes());
  return array;
}

Napi::Uint8Array ToUint8Array(Napi::Env env, std::string_view bytes) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, bytes.size());
  if (!bytes.empty()) std::memcpy(array.Data(), bytes.data(), bytes.size());
  return array;
}

}  // namespace zell::addon
