// The module `zell_engine.node`: NativeAddon of engine-host/src/engine/native/binding.ts.
#include <napi.h>

#include "addon/classes.h"
#include "addon/decoder_object.h"
#include "addon/draft_head.h"
#include "addon/errors.h"
#include "addon/importance.h"
#include "addon/job.h"
#include "addon/machine_probe.h"
#include "addon/model_object.h"
#include "addon/quantize.h"
#include "addon/reader.h"
#include "addon/step_arguments.h"
#include "addon/summary_object.h"
#include "addon/task.h"
#include "addon/trainer_object.h"
#include "base/large_pages.h"
#include "base/memory_info.h"
#include "kernels/kernels.h"
#include "runtime/machine_limits.h"

namespace zell::addon {
namespace {

Napi::Value Cpu(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Napi::Object object = Napi::Object::New(env);
  object.Set("isa", kernels::ActiveKernels().name);
  Napi::Array supported = Napi::Array::New(env);
  for (const kernels::Kernels* k : kernels::SupportedKernels()) supported.Set(supported.Length(), k->name);
  object.Set("supported", supported);
  object.Set("physicalCores", Napi::Number::New(env, base::PhysicalCores()));
  return object;
}

Napi::Value Memory(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const base::MemoryInfo memory = base::GetMemoryInfo();
  Napi::Object object = Napi::Object::New(env);
  object.Set("totalBytes", Napi::Number::New(env, static_cast<double>(memory.total_bytes)));
  object.Set("availableBytes", Napi::Number::New(env, static_cast<double>(memory.available_bytes)));
  object.Set("lastLevelCacheBytes", Napi::Number::New(env, static_cast<double>(base::LastLevelCacheBytes())));
  object.Set("largePages", Napi::Boolean::New(env, base::LargePagesAvailable()));
  return object;
}

Napi::Value Inspect(const Napi::CallbackInfo& info) {
  Reader reader("inspect");
  const std::string path = reader.Text(info[0], "path");
  const runtime::LoadOptions options = ReadLoadOptions(reader, info[1]);
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return RunTask(info.Env(), "zell inspect", [path, options](TaskContext&) -> TaskResult {
    auto summary = std::make_shared<base::Result<runtime::Summary>>(runtime::Inspect(path, options));
    return [summary](Napi::Env env, bool& rejected) -> Napi::Value {
      rejected = !summary->ok();
      if (rejected) return ToError(env, summary->status());
      return ToSummary(env, **summary);
    };
  });
}

Napi::Value LoadModel(const Napi::CallbackInfo& info) {
  Reader reader("loadModel");
  const std::string path = reader.Text(info[0], "path");
  const runtime::LoadOptions options = ReadLoadOptions(reader, info[1]);
  reader.Expect(!Reader::Has(info[2]) || info[2].IsFunction(), "onProgress to be a function");
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  // Letters run on the JavaScript thread, where the function lives and dies.
  auto on_progress = std::make_shared<Napi::FunctionReference>();
  if (info[2].IsFunction()) *on_progress = Napi::Persistent(info[2].As<Napi::Function>());
  return RunTask(info.Env(), "zell load", [path, options, on_progress](TaskContext& context) mutable -> TaskResult {
    const auto progress = [&](uint64_t done, uint64_t total) {
      context.mailbox->Post([on_progress, done, total](Napi::Env env) {
        if (on_progress->IsEmpty()) return;
        on_progress->Call(
            {Napi::Number::New(env, static_cast<double>(done)), Napi::Number::New(env, static_cast<double>(total))});
      });
    };
    auto loaded = std::make_shared<base::Result<std::unique_ptr<runtime::Engine>>>(
        runtime::Engine::Load(path, options, progress, context.stop));
    return [loaded, on_progress](Napi::Env env, bool& rejected) -> Napi::Value {
      on_progress->Reset();
      rejected = !loaded->ok();
      if (rejected) return ToError(env, loaded->status());
      return ModelObject::Create(env, std::shared_ptr<runtime::Engine>(std::move(**loaded)));
    };
  });
}

Napi::Value MeasureLimits(const Napi::CallbackInfo& info) {
  Reader reader("measureLimits");
  const auto threads = static_cast<int>(reader.Integer(info[0], "threads", 1, 256));
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return RunTask(info.Env(), "zell limits", [threads](TaskContext& context) -> TaskResult {
    const base::Result<runtime::MachineLimits> limits = runtime::MeasureLimits(threads, context.stop);
    return [limits](Napi::Env env, bool& rejected) -> Napi::Value {
      rejected = !limits.ok();
      if (rejected) return ToError(env, limits.status());
      Napi::Object object = Napi::Object::New(env);
      object.Set("threads", Napi::Number::New(env, limits->threads));
      object.Set("isa", limits->isa);
      object.Set("readBytesPerSecond", Napi::Number::New(env, limits->read_bytes_per_second));
      object.Set("int8OpsPerSecond", Napi::Number::New(env, limits->int8_ops_per_second));
      return object;
    };
  });
}

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto classes = std::make_unique<Classes>();
  classes->model = Napi::Persistent(ModelObject::Define(env));
  classes->decoder = Napi::Persistent(DecoderObject::Define(env));
  classes->trainer = Napi::Persistent(TrainerObject::Define(env));
  env.SetInstanceData(classes.release());
  exports.Set("cpu", Napi::Function::New<Cpu>(env, "cpu"));
  exports.Set("memory", Napi::Function::New<Memory>(env, "memory"));
  exports.Set("inspect", Napi::Function::New<Inspect>(env, "inspect"));
  exports.Set("measureLimits", Napi::Function::New<MeasureLimits>(env, "measureLimits"));
  exports.Set("measureMachine", Napi::Function::New<MeasureMachine>(env, "measureMachine"));
  exports.Set("loadModel", Napi::Function::New<LoadModel>(env, "loadModel"));
  exports.Set("quantize", Napi::Function::New<Quantize>(env, "quantize"));
  exports.Set("measureImportance", Napi::Function::New<MeasureImportance>(env, "measureImportance"));
  exports.Set("buildDraftHead", Napi::Function::New<BuildDraftHead>(env, "buildDraftHead"));
  exports.Set("openTrainer", Napi::Function::New<OpenTrainer>(env, "openTrainer"));
  exports.Set("cancelJob", Napi::Function::New<CancelJob>(env, "cancelJob"));
  return exports;
}

}  // namespace
}  // namespace zell::addon

static Napi::Object InitZellEngine(Napi::Env env, Napi::Object exports) { return zell::addon::Init(env, exports); }
NODE_API_MODULE(zell_engine, InitZellEngine)
