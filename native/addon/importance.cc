#include "addon/importance.h"

#include "addon/job.h"
#include "addon/reader.h"
#include "base/memory_info.h"
#include "runtime/importance.h"

namespace zell::addon {
namespace {

Napi::Value ToReport(Napi::Env env, const runtime::ImportanceReport& report) {
  const auto number = [&](uint64_t n) { return Napi::Number::New(env, static_cast<double>(n)); };
  Napi::Object object = Napi::Object::New(env);
  object.Set("tokens", number(report.tokens));
  object.Set("chunks", number(report.chunks));
  object.Set("tensors", number(report.tensors));
  object.Set("unreached", number(report.unreached));
  return object;
}

}  // namespace

Napi::Value MeasureImportance(const Napi::CallbackInfo& info) {
  Reader reader("measureImportance");
  const uint32_t job = reader.Unsigned(info[0], "job");
  const std::string model = reader.Text(info[1], "model"), out = reader.Text(info[3], "output");
  std::vector<std::string> texts;
  reader.Expect(info[2].IsArray(), "texts to be a list");
  if (reader.ok()) {
    const Napi::Array list = info[2].As<Napi::Array>();
    for (uint32_t i = 0; i < list.Length(); ++i) texts.push_back(reader.Text(list.Get(i), "texts"));
  }
  runtime::ImportanceOptions options;
  options.threads = base::PhysicalCores();
  const Napi::Object given = reader.Object(info[4], "options");
  if (reader.ok()) {
    const Napi::Value threads = Reader::Get(given, "threads"), chunk = Reader::Get(given, "chunkTokens");
    if (Reader::Has(threads)) options.threads = static_cast<int>(reader.Integer(threads, "threads", 1, 256));
    if (Reader::Has(chunk)) {
      options.chunk_tokens = static_cast<uint32_t>(reader.Integer(chunk, "chunkTokens", 16, 1 << 20));
    }
  }
  reader.Expect(info[5].IsFunction(), "onProgress to be a function");
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return RunJob<runtime::ImportanceReport>(
      info.Env(), "zell imatrix", job, info[5].As<Napi::Function>(),
      [=](const Progress& progress, const std::atomic<bool>& stop) {
        return runtime::MeasureImportance(model, texts, out, options, progress, stop);
      },
      ToReport);
}

}  // namespace zell::addon
