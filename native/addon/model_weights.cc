// NativeModel's weights: moved from the mapped file to memory on a thread of their own, beside running steps.
#include "addon/classes.h"
#include "addon/model_object.h"
#include "addon/reader.h"
#include "addon/task.h"

namespace zell::addon {

Napi::Value ModelObject::MoveWeightsToMemory(const Napi::CallbackInfo& info) {
  Reader reader("moveWeightsToMemory");
  const double spare = reader.Number(info[0], "spareBytes", 0, 1e18);
  if (!IsOpen(reader)) return Reject(info.Env(), reader.status());
  return RunTask(info.Env(), "zell weights", [spare, engine = engine_](TaskContext& context) mutable -> TaskResult {
    const base::Status status = engine->MoveWeightsToMemory(static_cast<uint64_t>(spare), context.stop);
    engine.reset();
    return [status](Napi::Env env, bool& rejected) -> Napi::Value {
      rejected = !status.ok();
      return rejected ? ToError(env, status) : env.Undefined();
    };
  });
}

}  // namespace zell::addon
