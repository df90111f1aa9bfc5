#include "addon/errors.h"

namespace zell::addon {

Napi::Value ToError(Napi::Env env, const base::Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message);
  error.Value().Set("code", Napi::String::New(env, base::ToWire(status.code)));
  return error.Value();
}

Napi::Value Throw(Napi::Env env, const base::Status& status) {
  napi_throw(env, ToError(env, status));
  return env.Undefined();
}

Napi::Value Reject(Napi::Env env, const base::Status& status) {
  const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(env);
  deferred.Reject(ToError(env, status));
  return deferred.Promise();
}

}  // namespace zell::addon
