#include "addon/quantize.h"

#include "addon/job.h"
#include "addon/reader.h"
#include "base/memory_info.h"
#include "convert/quantize_file.h"

namespace zell::addon {
namespace {

Napi::Value ToReport(Napi::Env env, const convert::QuantizeReport& report) {
  const auto number = [&](uint64_t n) { return Napi::Number::New(env, static_cast<double>(n)); };
  Napi::Object object = Napi::Object::New(env);
  object.Set("weights", number(report.weights));
  object.Set("bytesBefore", number(report.bytes_before));
  object.Set("bytesAfter", number(report.bytes_after));
  object.Set("fellBack", number(report.fell_back));
  object.Set("withoutImportance", number(report.without_importance));
  object.Set("fromQuantised", Napi::Boolean::New(env, report.from_quantised));
  Napi::Array types = Napi::Array::New(env);
  for (const convert::QuantizeReport::Type& type : report.types) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("name", type.name);
    entry.Set("tensors", number(type.tensors));
    entry.Set("bytes", number(type.bytes));
    types.Set(types.Length(), entry);
  }
  object.Set("types", types);
  return object;
}

}  // namespace

Napi::Value Quantize(const Napi::CallbackInfo& info) {
  Reader reader("quantize");
  const uint32_t job = reader.Unsigned(info[0], "job");
  const std::string in = reader.Text(info[1], "input"), out = reader.Text(info[2], "output");
  const Napi::Object given = reader.Object(info[3], "options");
  convert::QuantizeOptions options;
  options.threads = base::PhysicalCores();
  if (reader.ok()) {
    options.recipe = reader.Text(Reader::Get(given, "type"), "type");
    const Napi::Value importance = Reader::Get(given, "importance"), threads = Reader::Get(given, "threads");
    if (Reader::Has(importance)) options.importance = reader.Text(importance, "importance");
    if (Reader::Has(threads)) options.threads = static_cast<int>(reader.Integer(threads, "threads", 1, 256));
  }
  reader.Expect(info[4].IsFunction(), "onProgress to be a function");
  if (!reader.ok()) return Reject(info.Env(), reader.status());

  return RunJob<convert::QuantizeReport>(
      info.Env(), "zell quantize", job, info[4].As<Napi::Function>(),
      [=](const Progress& progress, const std::atomic<bool>& stop) {
        return convert::QuantizeFile(in, out, options, progress, stop);
      },
      ToReport);
}

}  // namespace zell::addon
