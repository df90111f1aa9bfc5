// What a model's speed on this machine follows from.
#pragma once

#include <napi.h>

namespace zell::addon {

/// (job, path, options, seconds, onProgress) → Promise<MachineSpeed>
Napi::Value MeasureMachine(const Napi::CallbackInfo& info);

}  // namespace zell::addon
