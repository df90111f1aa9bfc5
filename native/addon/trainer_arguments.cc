#include "addon/trainer_arguments.h"

#include <algorithm>

#include "base/memory_info.h"

namespace zell::addon {

train::Recipe ReadRecipe(Reader& reader, const Napi::Value& value) {
  train::Recipe recipe;
  recipe.threads = base::PhysicalCores();
  const Napi::Object given = reader.Object(value, "recipe");
  if (!reader.ok()) return recipe;
  const auto whole = [&](const char* name, auto& to, int64_t most) {
    const Napi::Value field = Reader::Get(given, name);
    if (Reader::Has(field)) to = static_cast<std::decay_t<decltype(to)>>(reader.Integer(field, name, 0, most));
  };
  const auto number = [&](const char* name, auto& to) {
    const Napi::Value field = Reader::Get(given, name);
    if (Reader::Has(field)) to = static_cast<std::decay_t<decltype(to)>>(reader.Number(field, name, 0, 1e9));
  };
  whole("rank", recipe.rank, 4096);
  number("alpha", recipe.alpha);
  number("learningRate", recipe.learning_rate);
  number("warmup", recipe.warmup);
  number("finalRate", recipe.final_rate);
  number("weightDecay", recipe.weight_decay);
  number("clipNorm", recipe.clip_norm);
  whole("batchItems", recipe.batch_items, 4096);
  number("anchorShare", recipe.anchor_share);
  number("anchorWeight", recipe.anchor_weight);
  whole("epochs", recipe.epochs, 10000);
  whole("seed", recipe.seed, UINT32_MAX);
  whole("rowTokens", recipe.row_tokens, 65536);
  whole("threads", recipe.threads, 256);
  if (const Napi::Value targets = Reader::Get(given, "targets"); Reader::Has(targets)) {
    const std::string name = reader.Text(targets, "targets");
    reader.Expect(name == "all" || name == "middle-mlp", "targets to be `all` or `middle-mlp`");
    if (name == "middle-mlp") recipe.targets = train::Targets::kMiddleMlp;
  }
  if (const Napi::Value numerics = Reader::Get(given, "numerics"); Reader::Has(numerics)) {
    const std::string name = reader.Text(numerics, "numerics");
    reader.Expect(train::ParseNumerics(name, recipe.numerics), "numerics to be `f32` or `bf16x3`");
  }
  return recipe;
}

std::vector<train::Item> ReadTrainerItems(Reader& reader, const Napi::Value& value) {
  std::vector<train::Item> items;
  reader.Expect(value.IsArray(), "an array of items");
  if (!reader.ok()) return items;
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length() && reader.ok(); ++i) {
    const Napi::Object given = reader.Object(array.Get(i), "an item");
    if (!reader.ok()) break;
    train::Item item;
    item.tokens = reader.Integers(Reader::Get(given, "tokens"), "tokens");
    item.loss = reader.Bytes(Reader::Get(given, "loss"), "loss");
    const Napi::Value weight = Reader::Get(given, "weight"), anchor = Reader::Get(given, "anchor"),
                      teacher = Reader::Get(given, "teacher");
    if (Reader::Has(weight)) item.weight = static_cast<float>(reader.Number(weight, "weight", 0, 100));
    if (Reader::Has(anchor)) item.anchor = reader.Boolean(anchor, "anchor");
    if (Reader::Has(teacher)) {
      const Napi::Object sparse = reader.Object(teacher, "teacher");
      if (!reader.ok()) break;
      item.top = static_cast<uint32_t>(reader.Integer(Reader::Get(sparse, "top"), "top", 1, 256));
      item.ids = reader.Integers(Reader::Get(sparse, "ids"), "ids");
      item.logprobs = reader.Floats(Reader::Get(sparse, "logprobs"), "logprobs");
    }
    items.push_back(std::move(item));
  }
  return items;
}

Napi::Object ToPlan(Napi::Env env, const train::TrainerPlan& plan) {
  const auto number = [&](uint64_t n) { return Napi::Number::New(env, static_cast<double>(n)); };
  Napi::Object bytes = Napi::Object::New(env), object = Napi::Object::New(env);
  bytes.Set("adapter", number(plan.adapter_bytes));
  bytes.Set("activations", number(plan.activation_bytes));
  bytes.Set("scratch", number(plan.scratch_bytes));
  bytes.Set("total", number(plan.total_bytes));
  object.Set("bytes", bytes);
  object.Set("availableBytes", number(plan.available_bytes));
  object.Set("parameters", number(plan.parameters));
  object.Set("matrices", number(plan.matrices));
  object.Set("keptLayers", number(plan.kept_layers));
  object.Set("layers", number(plan.layers));
  object.Set("threads", Napi::Number::New(env, plan.threads));
  object.Set("numerics", train::NameOf(plan.numerics));
  object.Set("modelHash", plan.model_hash);
  return object;
}

Napi::Object ToProgress(Napi::Env env, const train::Progress& p) {
  const auto number = [&](double n) { return Napi::Number::New(env, n); };
  Napi::Object object = Napi::Object::New(env);
  object.Set("step", number(static_cast<double>(p.step)));
  object.Set("steps", number(static_cast<double>(p.steps)));
  object.Set("loss", number(p.loss));
  object.Set("anchorLoss", number(p.anchor_loss));
  object.Set("learningRate", number(p.learning_rate));
  object.Set("gradientNorm", number(p.gradient_norm));
  object.Set("tokens", number(static_cast<double>(p.tokens)));
  object.Set("stepMs", number(p.step_ms));
  object.Set("totalTokens", number(static_cast<double>(p.total_tokens)));
  return object;
}

Napi::Object ToDistributions(Napi::Env env, const train::Distributions& d) {
  Napi::Int32Array ids = Napi::Int32Array::New(env, d.ids.size());
  Napi::Float32Array logprobs = Napi::Float32Array::New(env, d.logprobs.size());
  std::copy(d.ids.begin(), d.ids.end(), ids.Data());
  std::copy(d.logprobs.begin(), d.logprobs.end(), logprobs.Data());
  Napi::Object object = Napi::Object::New(env);
  object.Set("top", Napi::Number::New(env, d.top));
  object.Set("ids", ids);
  object.Set("logprobs", logprobs);
  return object;
}

}  // namespace zell::addon
