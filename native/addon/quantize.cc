#include "addon/quantize.h"

#include "addon/classes.h"
#include "addon/errors.h"
#include "addon/reader.h"
#include "addon/task.h"
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

  auto on_progress = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info[4].As<Napi::Function>()));
  auto stop = std::make_shared<std::atomic<bool>>(false);
  JobsOf(info.Env())[job] = stop;
  return RunTask(info.Env(), "zell quantize", [=](TaskContext& context) mutable -> TaskResult {
    const auto progress = [&](uint64_t done, uint64_t total) {
      if (context.stop.load(std::memory_order_relaxed)) stop->store(true, std::memory_order_relaxed);
      context.mailbox->Post([on_progress, done, total](Napi::Env env) {
        if (on_progress->IsEmpty()) return;
        on_progress->Call(
            {Napi::Number::New(env, static_cast<double>(done)), Napi::Number::New(env, static_cast<double>(total))});
      });
    };
    auto report = std::make_shared<base::Result<convert::QuantizeReport>>(
        convert::QuantizeFile(in, out, options, progress, *stop));
    return [report, on_progress, job](Napi::Env env, bool& rejected) -> Napi::Value {
      on_progress->Reset();
      JobsOf(env).erase(job);
      rejected = !report->ok();
      if (rejected) return ToError(env, report->status());
      return ToReport(env, **report);
    };
  });
}

void CancelQuantize(const Napi::CallbackInfo& info) {
  Reader reader("cancelQuantize");
  const uint32_t job = reader.Unsigned(info[0], "job");
  if (!reader.ok()) {
    Throw(info.Env(), reader.status());
    return;
  }
  auto& jobs = JobsOf(info.Env());
  if (const auto found = jobs.find(job); found != jobs.end()) found->second->store(true, std::memory_order_relaxed);
}

}  // namespace zell::addon
