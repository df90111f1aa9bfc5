#include "addon/summary_object.h"

#include "kv/cache.h"

namespace zell::addon {
namespace {

// Longer arrays (the vocabulary, its scores and merges) stay out of the metadata.
constexpr size_t kMostArrayEntries = 64;

Napi::Value ToJs(Napi::Env env, bool value) { return Napi::Boolean::New(env, value); }
Napi::Value ToJs(Napi::Env env, const std::string& value) { return Napi::String::New(env, value); }
template <typename T>
Napi::Value ToJs(Napi::Env env, T value) requires(std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) {
  return Napi::Number::New(env, static_cast<double>(value));
}
template <typename T>
Napi::Value ToJs(Napi::Env env, const std::vector<T>& values) {
  if (values.size() > kMostArrayEntries) return env.Undefined();
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i) array.Set(static_cast<uint32_t>(i), ToJs(env, static_cast<T>(values[i])));
  return array;
}
Napi::Value ToJs(Napi::Env env, const base::StringList& values) {
  if (values.size() > kMostArrayEntries) return env.Undefined();
  Napi::Array array = Napi::Array::New(env, values.size());
  for (size_t i = 0; i < values.size(); ++i) array.Set(static_cast<uint32_t>(i), ToJs(env, std::string(values[i])));
  return array;
}

Napi::Object ToMetadata(Napi::Env env, const gguf::File& file) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& [key, value] : file.metadata()) {
    const Napi::Value js = std::visit([&](const auto& v) { return ToJs(env, v); }, value);
    if (!js.IsUndefined()) object.Set(key, js);
  }
  return object;
}

Napi::Object ToSpecial(Napi::Env env, const runtime::Summary& s) {
  Napi::Object special = Napi::Object::New(env);
  const auto set = [&](Napi::Object& object, const char* name, tokenizer::Token token) {
    if (token >= 0) object.Set(name, Napi::Number::New(env, token));
  };
  const tokenizer::VocabularySpec& v = s.vocabulary;
  set(special, "bos", v.bos);
  set(special, "eos", v.eos);
  set(special, "unknown", v.unknown);
  set(special, "padding", v.padding);
  special.Set("endOfGeneration", ToJs(env, s.end_of_generation));
  if (v.fim_prefix < 0 || v.fim_suffix < 0 || v.fim_middle < 0) return special;
  Napi::Object fim = Napi::Object::New(env);
  set(fim, "prefix", v.fim_prefix);
  set(fim, "suffix", v.fim_suffix);
  set(fim, "middle", v.fim_middle);
  set(fim, "pad", v.fim_pad);
  set(fim, "repo", v.fim_repo);
  set(fim, "separator", v.fim_separator);
  special.Set("fim", fim);
  return special;
}

}  // namespace

Napi::Object ToSummary(Napi::Env env, const runtime::Summary& s) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("path", s.path);
  object.Set("name", s.name);
  object.Set("modelHash", s.model_hash);
  object.Set("architecture", s.architecture);
  object.Set("parameters", ToJs(env, s.parameters));
  object.Set("quantization", s.quantization);
  object.Set("contextLength", ToJs(env, s.context_length));
  object.Set("embeddingLength", ToJs(env, s.embedding_length));
  object.Set("layers", ToJs(env, s.layers));
  object.Set("vocabularySize", ToJs(env, s.vocabulary_size));
  Napi::Object tokenizer = Napi::Object::New(env);
  tokenizer.Set("model", s.vocabulary.model);
  tokenizer.Set("pre", s.vocabulary.pre);
  object.Set("tokenizer", tokenizer);
  object.Set("special", ToSpecial(env, s));
  object.Set("bosText", s.bos_text);
  object.Set("eosText", s.eos_text);
  object.Set("addBos", ToJs(env, s.vocabulary.add_bos));
  Napi::Object frame = Napi::Object::New(env);
  frame.Set("before", ToJs(env, s.before_text));
  frame.Set("after", ToJs(env, s.after_text));
  object.Set("frame", frame);
  if (!s.chat_template.empty()) {
    object.Set("chatTemplate", s.chat_template);
    object.Set("templateHash", s.template_hash);
  }
  object.Set("bytes", ToJs(env, s.file->total_bytes()));
  Napi::Object fit = Napi::Object::New(env);
  fit.Set("neededBytes", ToJs(env, s.memory.needed_bytes));
  fit.Set("availableBytes", ToJs(env, s.memory.available_bytes));
  fit.Set("fits", ToJs(env, s.memory.fits()));
  fit.Set("kvTokens", ToJs(env, s.memory.kv_blocks * kv::kBlockTokens));
  Napi::Object plan = Napi::Object::New(env);
  plan.Set("scratchBytes", ToJs(env, s.memory.scratch_bytes));
  plan.Set("marginBytes", ToJs(env, s.memory.margin_bytes));
  plan.Set("kvBytes", ToJs(env, s.memory.kv_blocks * s.memory.kv_block_bytes));
  fit.Set("plan", plan);
  if (s.memory.streams()) {
    Napi::Object streaming = Napi::Object::New(env);
    streaming.Set("strategy", s.memory.strategy == runtime::Strategy::kHybrid ? "hybrid" : "streaming");
    streaming.Set("residentBytes", ToJs(env, s.memory.resident_bytes));
    streaming.Set("cacheBytes", ToJs(env, s.memory.expert_cache_bytes + s.memory.buffer_bytes));
    if (s.memory.streamed_bytes > 0) streaming.Set("streamedBytes", ToJs(env, s.memory.streamed_bytes));
    streaming.Set("expertsInMemory", ToJs(env, s.memory.expert_slots));
    streaming.Set("experts", ToJs(env, s.memory.experts));
    fit.Set("streaming", streaming);
  }
  object.Set("fit", fit);
  if (s.experts.count > 0) {
    Napi::Object experts = Napi::Object::New(env);
    experts.Set("layers", ToJs(env, s.experts.layers));
    experts.Set("count", ToJs(env, s.experts.count));
    experts.Set("perToken", ToJs(env, s.experts.per_token));
    experts.Set("bytes", ToJs(env, s.experts.bytes));
    experts.Set("slotBytes", ToJs(env, s.experts.slot_bytes));
    object.Set("experts", experts);
  }
  Napi::Object work = Napi::Object::New(env);
  work.Set("bytes", ToJs(env, s.token_work.bytes));
  work.Set("weights", ToJs(env, s.token_work.weights));
  object.Set("tokenWork", work);
  object.Set("metadata", ToMetadata(env, *s.file));
  return object;
}

Napi::Object ToInfo(Napi::Env env, const runtime::Engine& engine) {
  Napi::Object object = ToSummary(env, engine.summary());
  object.Set("loadMs", ToJs(env, engine.load_ms()));
  object.Set("threads", ToJs(env, engine.threads()));
  object.Set("isa", engine.isa());
  const runtime::Summary& summary = engine.summary();
  if (summary.draft_exit > 0 || !summary.draft_refused.empty()) {
    Napi::Object draft = Napi::Object::New(env);
    if (summary.draft_exit > 0) draft.Set("exitLayer", ToJs(env, summary.draft_exit));
    if (!summary.draft_refused.empty()) draft.Set("refused", summary.draft_refused);
    object.Set("draftHead", draft);
  }
  return object;
}

Napi::Object ToAdapter(Napi::Env env, const lora::AdapterInfo& adapter) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", Napi::Number::New(env, adapter.id));
  object.Set("path", adapter.path);
  object.Set("name", adapter.name);
  object.Set("sha256", adapter.sha256);
  object.Set("rank", Napi::Number::New(env, adapter.rank));
  object.Set("alpha", Napi::Number::New(env, adapter.alpha));
  object.Set("matrices", Napi::Number::New(env, adapter.matrices));
  object.Set("bytes", Napi::Number::New(env, static_cast<double>(adapter.bytes)));
  object.Set("taskName", adapter.task_name);
  object.Set("promptPrefix", adapter.prompt_prefix);
  return object;
}

}  // namespace zell::addon
