// NativeModel's weights: what was read of experts; moved from the mapped file to memory on a thread of their own,
// beside running steps.
#include "addon/classes.h"
#include "addon/errors.h"
#include "addon/model_object.h"
#include "addon/reader.h"
#include "addon/task.h"

namespace zell::addon {

Napi::Value ModelObject::MoveWeightsToMemory(const Napi::CallbackInfo& info) {
  Reader reader("moveWeightsToMemory");
  const double spare = reader.Number(info[0], "spareBytes", 0, 1e18);
  if (!IsOpen(reader)) return Reject(info.Env(), reader.status());
  return RunTask(info.Env(), "zell weights", [spare, engine = engine_](TaskContext& context) mutable -> TaskResult {
    const base::Status status = engine->MoveWeightsToMemory(static_cast<uint64_t>(spare), context.stop);
    engine.reset();
    return [status](Napi::Env env, bool& rejected) -> Napi::Value {
      rejected = !status.ok();
      return rejected ? ToError(env, status) : env.Undefined();
    };
  });
}

Napi::Value ModelObject::ExpertReads(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reader reader("expertReads");
  if (!IsOpen(reader)) return Throw(env, reader.status());
  const auto stats = engine_->ExpertStats();
  if (!stats) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("hits", Napi::Number::New(env, static_cast<double>(stats->hits)));
  object.Set("misses", Napi::Number::New(env, static_cast<double>(stats->misses)));
  object.Set("bytesRead", Napi::Number::New(env, static_cast<double>(stats->bytes_read)));
  if (const auto cache = engine_->ExpertCacheNow()) {
    object.Set("room", Napi::Number::New(env, static_cast<double>(cache->size.slots)));
    object.Set("plannedRoom", Napi::Number::New(env, static_cast<double>(cache->size.most_slots)));
    if (!cache->shrunk.empty()) object.Set("shrunk", Napi::String::New(env, cache->shrunk));
  }
  return object;
}

Napi::Value ModelObject::LayerReads(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reader reader("layerReads");
  if (!IsOpen(reader)) return Throw(env, reader.status());
  const auto stats = engine_->LayerStats();
  const auto kept = engine_->KeptLayersNow();
  if (!stats || !kept) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("bytesRead", Napi::Number::New(env, static_cast<double>(stats->bytes_read)));
  object.Set("waitedMs", Napi::Number::New(env, static_cast<double>(stats->waited_us) / 1000));
  object.Set("matrices", Napi::Number::New(env, static_cast<double>(kept->size.experts)));
  object.Set("kept", Napi::Number::New(env, static_cast<double>(kept->size.slots)));
  object.Set("plannedKept", Napi::Number::New(env, static_cast<double>(kept->size.most_slots)));
  if (!kept->shrunk.empty()) object.Set("shrunk", Napi::String::New(env, kept->shrunk));
  return object;
}

Napi::Value ModelObject::ExpertUses(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reader reader("expertUses");
  if (!IsOpen(reader)) return Throw(env, reader.status());
  const std::vector<stream::BankUse> uses = engine_->ExpertUses();
  Napi::Array layers = Napi::Array::New(env, uses.size());
  for (size_t layer = 0; layer < uses.size(); ++layer) {
    Napi::Array experts = Napi::Array::New(env, uses[layer].experts.size());
    for (size_t e = 0; e < uses[layer].experts.size(); ++e) {
      experts.Set(static_cast<uint32_t>(e), Napi::Number::New(env, static_cast<double>(uses[layer].experts[e])));
    }
    Napi::Array in_memory = Napi::Array::New(env, uses[layer].in_memory.size());
    for (size_t e = 0; e < uses[layer].in_memory.size(); ++e) {
      in_memory.Set(static_cast<uint32_t>(e), Napi::Boolean::New(env, uses[layer].in_memory[e]));
    }
    Napi::Object object = Napi::Object::New(env);
    object.Set("inMemory", in_memory);
    object.Set("tokens", Napi::Number::New(env, static_cast<double>(uses[layer].tokens)));
    object.Set("experts", experts);
    layers.Set(static_cast<uint32_t>(layer), object);
  }
  return layers;
}

}  // namespace zell::addon
