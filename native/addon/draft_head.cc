#include "addon/draft_head.h"

#include "addon/job.h"
#include "addon/reader.h"
#include "addon/step_arguments.h"
#include "runtime/draft_builder.h"

namespace zell::addon {
namespace {

Napi::Value ToReport(Napi::Env env, const runtime::DraftReport& report) {
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&](const char* name, double value) { object.Set(name, Napi::Number::New(env, value)); };
  set("exitLayer", report.exit_layer);
  set("blocks", report.blocks);
  set("parameters", static_cast<double>(report.parameters));
  set("tokens", static_cast<double>(report.tokens));
  set("steps", static_cast<double>(report.steps));
  set("loss", report.loss);
  set("textSeconds", report.text_seconds);
  set("trainingSeconds", report.training_seconds);
  set("agreement", report.agreement);
  set("tokensPerCheck", report.tokens_per_check);
  object.Set("kept", Napi::Boolean::New(env, report.kept));
  return object;
}

runtime::DraftBuildOptions ReadOptions(Reader& reader, const Napi::Value& value) {
  runtime::DraftBuildOptions options;
  const Napi::Object given = reader.Object(value, "options");
  if (!reader.ok()) return options;
  const auto read = [&](const char* name, double least, double most, auto& field) {
    const Napi::Value v = Reader::Get(given, name);
    if (!Reader::Has(v)) return;
    field = static_cast<std::remove_reference_t<decltype(field)>>(reader.Number(v, name, least, most));
  };
  read("seconds", 1, 1e7, options.seconds);
  read("tokens", 1, 1e9, options.most_tokens);
  read("steps", 1, 1e6, options.most_steps);
  read("exitLayer", 1, 4096, options.exit_layer);
  read("blocks", 1, 2, options.blocks);
  read("seed", 0, 4294967295.0, options.seed);
  return options;
}

}  // namespace

Napi::Value BuildDraftHead(const Napi::CallbackInfo& info) {
  Reader reader("buildDraftHead");
  const uint32_t job = reader.Unsigned(info[0], "job");
  const std::string model = reader.Text(info[1], "model"), out = reader.Text(info[3], "output");
  std::vector<std::vector<int32_t>> prompts;
  reader.Expect(info[2].IsArray(), "prompts to be a list");
  if (reader.ok()) {
    const Napi::Array list = info[2].As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); ++i) prompts.push_back(reader.Integers(list.Get(i), "prompts"));
  }
  const runtime::LoadOptions load = ReadLoadOptions(reader, info[4]);
  const runtime::DraftBuildOptions options = ReadOptions(reader, info[5]);
  reader.Expect(info[6].IsFunction(), "onProgress to be a function");
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return RunJob<runtime::DraftReport>(
      info.Env(), "zell draft", job, info[6].As<Napi::Function>(),
      [=](const Progress& progress, const std::atomic<bool>& stop) {
        return runtime::BuildDraftHead(model, prompts, out, load, options, progress, stop);
      },
      ToReport);
}

}  // namespace zell::addon
