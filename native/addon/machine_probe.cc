#include "addon/machine_probe.h"

#include "addon/job.h"
#include "addon/reader.h"
#include "addon/step_arguments.h"
#include "runtime/machine_probe.h"

namespace zell::addon {
namespace {

Napi::Value ToSpeed(Napi::Env env, const runtime::MachineSpeed& speed) {
  const auto number = [&](auto n) { return Napi::Number::New(env, static_cast<double>(n)); };
  Napi::Object kernels = Napi::Object::New(env);
  kernels.Set("type", speed.kernels.type);
  kernels.Set("isa", speed.kernels.isa);
  kernels.Set("threads", number(speed.kernels.threads));
  kernels.Set("bytes", number(speed.kernels.bytes));
  kernels.Set("decodeBytesPerSecond", number(speed.kernels.decode_bytes_per_second));
  kernels.Set("prefillOpsPerSecond", number(speed.kernels.prefill_ops_per_second));
  Napi::Object disk = Napi::Object::New(env);
  disk.Set("takesDirect", Napi::Boolean::New(env, speed.disk.takes_direct));
  disk.Set("pieceBytes", number(speed.disk.piece_bytes));
  disk.Set("sequentialBytesPerSecond", number(speed.disk.sequential_per_second));
  Napi::Array random = Napi::Array::New(env);
  for (const stream::DiskRate& rate : speed.disk.random) {
    Napi::Object one = Napi::Object::New(env);
    one.Set("pastCache", Napi::Boolean::New(env, rate.past_cache));
    one.Set("readers", number(rate.readers));
    one.Set("bytesPerSecond", number(rate.bytes_per_second));
    random.Set(random.Length(), one);
  }
  disk.Set("random", random);
  Napi::Object object = Napi::Object::New(env);
  object.Set("kernels", kernels);
  object.Set("disk", disk);
  return object;
}

}  // namespace

Napi::Value MeasureMachine(const Napi::CallbackInfo& info) {
  Reader reader("measureMachine");
  const uint32_t job = reader.Unsigned(info[0], "job");
  const std::string path = reader.Text(info[1], "path");
  const runtime::LoadOptions options = ReadLoadOptions(reader, info[2]);
  const double seconds = reader.Number(info[3], "seconds", 0.1, 60);
  reader.Expect(info[4].IsFunction(), "onProgress to be a function");
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return RunJob<runtime::MachineSpeed>(
      info.Env(), "zell profile", job, info[4].As<Napi::Function>(),
      [=](const Progress& progress, const std::atomic<bool>& stop) {
        return runtime::MeasureMachine(path, options, seconds, progress, stop);
      },
      ToSpeed);
}

}  // namespace zell::addon
