// Work on files that takes long: reports progress, can be cancelled by its number.
#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>

#include "addon/classes.h"
#include "addon/errors.h"
#include "addon/task.h"

namespace zell::addon {

using Progress = std::function<void(uint64_t done, uint64_t total)>;

/// (job): its promise rejects with `cancelled` soon; nothing happens when no such job runs.
void CancelJob(const Napi::CallbackInfo& info);

/// `report` on the JavaScript thread, as progress(done, total) of a task. Ends the job with its environment.
inline Progress PostProgress(TaskContext& context, std::shared_ptr<Napi::FunctionReference> report,
                             std::shared_ptr<std::atomic<bool>> stop) {
  return [&context, report, stop](uint64_t done, uint64_t total) {
    if (context.stop.load(std::memory_order_relaxed)) stop->store(true, std::memory_order_relaxed);
    context.mailbox->Post([report, done, total](Napi::Env env) {
      if (report->IsEmpty()) return;
      report->Call(
          {Napi::Number::New(env, static_cast<double>(done)), Napi::Number::New(env, static_cast<double>(total))});
    });
  };
}

/// Runs `work(progress, stop)` → base::Result<T> on a thread of its own; the promise is of `to_value(env, T)`.
template <typename T, typename Work>
Napi::Value RunJob(Napi::Env env, const char* name, uint32_t job, Napi::Function on_progress, Work work,
                   Napi::Value (*to_value)(Napi::Env, const T&)) {
  auto report = std::make_shared<Napi::FunctionReference>(Napi::Persistent(on_progress));
  auto stop = std::make_shared<std::atomic<bool>>(false);
  JobsOf(env)[job] = stop;
  return RunTask(env, name, [=](TaskContext& context) mutable -> TaskResult {
    auto result = std::make_shared<base::Result<T>>(work(PostProgress(context, report, stop), *stop));
    return [result, report, job, to_value](Napi::Env inner, bool& rejected) -> Napi::Value {
      report->Reset();
      JobsOf(inner).erase(job);
      rejected = !result->ok();
      if (rejected) return ToError(inner, result->status());
      return to_value(inner, **result);
    };
  });
}

}  // namespace zell::addon
