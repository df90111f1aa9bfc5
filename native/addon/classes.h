// What one environment keeps: the constructors of its classes and its cancellable jobs.
#pragma once

#include <napi.h>

#include <atomic>
#include <map>
#include <memory>

namespace zell::addon {

struct Classes {
  Napi::FunctionReference model;
  Napi::FunctionReference decoder;
  Napi::FunctionReference trainer;
  std::map<uint32_t, std::shared_ptr<std::atomic<bool>>> jobs;  ///< set to true: end soon
};

inline const Classes& ClassesOf(Napi::Env env) { return *env.GetInstanceData<Classes>(); }

inline auto& JobsOf(Napi::Env env) { return env.GetInstanceData<Classes>()->jobs; }

}  // namespace zell::addon
