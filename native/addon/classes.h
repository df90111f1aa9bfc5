// The constructors of one environment's classes.
#pragma once

#include <napi.h>

namespace zell::addon {

struct Classes {
  Napi::FunctionReference model;
  Napi::FunctionReference decoder;
};

inline const Classes& ClassesOf(Napi::Env env) { return *env.GetInstanceData<Classes>(); }

}  // namespace zell::addon
