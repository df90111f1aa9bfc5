// Arguments and results of trainings.
#pragma once

#include <napi.h>

#include <vector>

#include "addon/reader.h"
#include "train/trainer.h"

namespace zell::addon {

/// TrainRecipe of protocol/src/trainer.ts; absent fields keep their defaults.
train::Recipe ReadRecipe(Reader& reader, const Napi::Value& value);
/// An array of TrainerItem.
std::vector<train::Item> ReadTrainerItems(Reader& reader, const Napi::Value& value);

Napi::Object ToPlan(Napi::Env env, const train::TrainerPlan& plan);
Napi::Object ToProgress(Napi::Env env, const train::Progress& progress);
Napi::Object ToDistributions(Napi::Env env, const train::Distributions& distributions);

}  // namespace zell::addon
