// `buildDraftHead` of the addon.
#pragma once

#include <napi.h>

namespace zell::addon {

/// (job, model, [prompt tokens], output, load options, {seconds?, tokens?, steps?, exitLayer?, blocks?, seed?},
/// onProgress) → promise of the report.
Napi::Value BuildDraftHead(const Napi::CallbackInfo& info);

}  // namespace zell::addon
