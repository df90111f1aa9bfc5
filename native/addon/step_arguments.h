// JavaScript arguments as the runtime's types.
#pragma once

#include "addon/reader.h"
#include "runtime/step.h"
#include "runtime/summary.h"
#include "sampling/sampler.h"

namespace zell::addon {

std::vector<runtime::StepItem> ReadItems(Reader& reader, const Napi::Value& value);
/// [{id, scale}]
std::vector<lora::AdapterUse> ReadAdapters(Reader& reader, const Napi::Value& value);
sampling::SamplerParams ReadSampling(Reader& reader, const Napi::Value& value);
runtime::LoadOptions ReadLoadOptions(Reader& reader, const Napi::Value& value);

}  // namespace zell::addon
