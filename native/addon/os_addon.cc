// The module `zell_os.node`: OsAddon of engine-host/src/host/osLock.ts. Has no engine code, so the front may load it.
#include <napi.h>

#include <cmath>
#include <memory>
#include <unordered_map>

#include "addon/errors.h"
#include "base/file_lock.h"
#include "base/stream_pair.h"

namespace zell::addon {
namespace {

/// The locks that one environment holds, by the numbers that JavaScript has for them. Its end releases them.
struct Locks {
  std::unordered_map<uint32_t, base::FileLock> held;
  uint32_t next = 1;
};

// tryLock(path): a handle, or null when somebody else holds the lock.
Napi::Value TryLock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsString()) return Throw(env, Invalid("tryLock expects path to be a string"));
  base::Result<base::FileLock> lock = base::FileLock::Try(info[0].As<Napi::String>().Utf8Value());
  if (!lock.ok()) {
    if (lock.status().code == base::StatusCode::kAlreadyRunning) return env.Null();
    return Throw(env, lock.status());
  }
  Locks& locks = *env.GetInstanceData<Locks>();
  const uint32_t handle = locks.next++;
  locks.held.emplace(handle, std::move(*lock));
  return Napi::Number::New(env, handle);
}

// unlock(handle): an unknown handle is no error, so that cleaning up twice is harmless.
Napi::Value Unlock(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  if (!info[0].IsNumber()) return Throw(env, Invalid("unlock expects handle to be a number"));
  const double handle = info[0].As<Napi::Number>().DoubleValue();
  if (handle >= 1 && handle <= UINT32_MAX && std::floor(handle) == handle) {
    env.GetInstanceData<Locks>()->held.erase(static_cast<uint32_t>(handle));
  }
  return env.Undefined();
}

// streamPair(): [own end, child's end], or null where the system has none.
Napi::Value OpenStreamPair(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const base::Result<base::StreamPair> pair = base::StreamPair::Open();
  if (!pair.ok()) return env.Null();
  const Napi::Array ends = Napi::Array::New(env, 2);
  ends.Set(0u, Napi::Number::New(env, pair->own));
  ends.Set(1u, Napi::Number::New(env, pair->child));
  return ends;
}

}  // namespace
}  // namespace zell::addon

static Napi::Object InitZellOs(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(std::make_unique<zell::addon::Locks>().release());
  exports.Set("tryLock", Napi::Function::New<zell::addon::TryLock>(env, "tryLock"));
  exports.Set("unlock", Napi::Function::New<zell::addon::Unlock>(env, "unlock"));
  exports.Set("streamPair", Napi::Function::New<zell::addon::OpenStreamPair>(env, "streamPair"));
  return exports;
}
NODE_API_MODULE(zell_os, InitZellOs)
