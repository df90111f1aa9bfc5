// One piece of long work on a thread of its own, with a promise.
#pragma once

#include <napi.h>

#include <atomic>
#include <functional>
#include <memory>

#include "addon/mailbox.h"

namespace zell::addon {

/// What the work may use on its thread.
struct TaskContext {
  std::atomic<bool> stop = false;  ///< becomes true when the environment ends: return soon
  std::shared_ptr<Mailbox> mailbox;
};

/// Makes the promise's value on the JavaScript thread, or rejects with the error that it returns.
using TaskResult = std::function<Napi::Value(Napi::Env env, bool& rejected)>;

/// Runs `work` on a new thread, then what it returns on the JavaScript thread.
Napi::Value RunTask(Napi::Env env, const char* name, std::function<TaskResult(TaskContext&)> work);

}  // namespace zell::addon
