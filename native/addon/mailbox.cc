#include "addon/mailbox.h"

namespace zell::addon {

std::shared_ptr<Mailbox> Mailbox::Create(Napi::Env env, const char* name) {
  auto mailbox = std::make_shared<Mailbox>();
  mailbox->queue_ = Queue::New(env, name, 0, 1);
  return mailbox;
}

void Mailbox::Post(Letter letter) {
  auto owned = std::make_unique<Letter>(std::move(letter));
  if (queue_.NonBlockingCall(owned.get()) == napi_ok) static_cast<void>(owned.release());
}

void Mailbox::Deliver(Napi::Env env, Napi::Function, std::nullptr_t*, Letter* letter) {
  const std::unique_ptr<Letter> owned(letter);
  if (static_cast<napi_env>(env) == nullptr) return;  // the environment is going
  const Napi::HandleScope scope(env);
  (*owned)(env);
  if (env.IsExceptionPending()) env.GetAndClearPendingException();
}

}  // namespace zell::addon
