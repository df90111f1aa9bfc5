// How other threads reach the JavaScript thread.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

namespace zell::addon {

/// Create, Ref, Unref and Release belong to the JavaScript thread, Post to any other one.
/// Threads that post must end before the environment does: join them in a clean-up hook that is added after Create.
class Mailbox {
 public:
  using Letter = std::function<void(Napi::Env)>;

  /// Keeps the process alive until Unref or Release.
  static std::shared_ptr<Mailbox> Create(Napi::Env env, const char* name);

  /// Runs `letter` on the JavaScript thread, in order; drops it when the environment ends first.
  void Post(Letter letter);
  void Ref(Napi::Env env) { queue_.Ref(env); }
  void Unref(Napi::Env env) { queue_.Unref(env); }
  /// No Post may follow.
  void Release() { queue_.Release(); }

 private:
  static void Deliver(Napi::Env env, Napi::Function unused, std::nullptr_t* context, Letter* letter);
  using Queue = Napi::TypedThreadSafeFunction<std::nullptr_t, Letter, Deliver>;

  Queue queue_;
};

}  // namespace zell::addon
