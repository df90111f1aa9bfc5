#include "addon/task.h"

#include <optional>
#include <thread>

namespace zell::addon {
namespace {

struct Task {
  explicit Task(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}

  TaskContext context;
  Napi::Promise::Deferred deferred;
  std::thread thread;
  std::optional<Napi::Env::CleanupHook<void (*)(Task*), Task>> hook;
};

// The environment ends while the work goes on: its letters stay unread. The thread-safe function frees itself.
void Abandon(Task* task) {
  task->context.stop = true;
  task->thread.join();
  delete task;
}

void Finish(Napi::Env env, Task* task, const TaskResult& result) {
  const std::unique_ptr<Task> owned(task);
  task->thread.join();
  task->hook->Remove(env);
  task->context.mailbox->Release();
  bool rejected = false;
  const Napi::Value value = result(env, rejected);
  if (rejected) {
    task->deferred.Reject(value);
  } else {
    task->deferred.Resolve(value);
  }
}

}  // namespace

Napi::Value RunTask(Napi::Env env, const char* name, std::function<TaskResult(TaskContext&)> work) {
  // Owned by the clean-up hook or by Finish, whichever comes first; both run on the JavaScript thread.
  Task* task = std::make_unique<Task>(env).release();
  task->context.mailbox = Mailbox::Create(env, name);
  task->hook = env.AddCleanupHook(Abandon, task);
  const Napi::Value promise = task->deferred.Promise();
  task->thread = std::thread([task, work = std::move(work)] {
    TaskResult result = work(task->context);
    task->context.mailbox->Post([task, result = std::move(result)](Napi::Env e) { Finish(e, task, result); });
  });
  return promise;
}

}  // namespace zell::addon
