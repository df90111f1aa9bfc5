#include "addon/model_object.h"

#include "addon/classes.h"
#include "addon/decoder_object.h"
#include "addon/reader.h"
#include "addon/step_arguments.h"
#include "addon/step_results.h"
#include "addon/summary_object.h"
#include "addon/task.h"

namespace zell::addon {

using SharedEngine = std::shared_ptr<runtime::Engine>;

Napi::Function ModelObject::Define(Napi::Env env) {
  return DefineClass(env, "NativeModel",
                     {
                         InstanceMethod<&ModelObject::Tokenize>("tokenize"),
                         InstanceMethod<&ModelObject::Piece>("piece"),
                         InstanceMethod<&ModelObject::Detokenize>("detokenize"),
                         InstanceMethod<&ModelObject::CreateDecoder>("createDecoder"),
                         InstanceMethod<&ModelObject::CreateSequence>("createSequence"),
                         InstanceMethod<&ModelObject::SetSampler>("setSampler"),
                         InstanceMethod<&ModelObject::CheckConstraint>("checkConstraint"),
                         InstanceMethod<&ModelObject::FreeSequence>("freeSequence"),
                         InstanceMethod<&ModelObject::SequenceLength>("sequenceLength"),
                         InstanceMethod<&ModelObject::TruncateSequence>("truncateSequence"),
                         InstanceMethod<&ModelObject::ForkSequence>("forkSequence"),
                         InstanceMethod<&ModelObject::AdoptPrefix>("adoptPrefix"),
                         InstanceMethod<&ModelObject::LoadAdapter>("loadAdapter"),
                         InstanceMethod<&ModelObject::UnloadAdapter>("unloadAdapter"),
                         InstanceMethod<&ModelObject::KvUsage>("kvUsage"),
                         InstanceMethod<&ModelObject::ExpertReads>("expertReads"),
                         InstanceMethod<&ModelObject::ExpertUses>("expertUses"),
                         InstanceMethod<&ModelObject::LayerReads>("layerReads"),
                         InstanceMethod<&ModelObject::SaveBlocks>("saveBlocks"),
                         InstanceMethod<&ModelObject::RestoreBlocks>("restoreBlocks"),
                         InstanceMethod<&ModelObject::MoveWeightsToMemory>("moveWeightsToMemory"),
                         InstanceMethod<&ModelObject::Step>("step"),
                         InstanceMethod<&ModelObject::Cancel>("cancel"),
                         InstanceMethod<&ModelObject::Close>("close"),
                     });
}

Napi::Value ModelObject::Create(Napi::Env env, SharedEngine engine) {
  return ClassesOf(env).model.New({Napi::External<SharedEngine>::New(env, &engine)});
}

ModelObject::ModelObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  Napi::Env env = info.Env();
  // Only Create passes this; a script's `new` gets an error.
  if (info.Length() == 0 || !info[0].IsExternal()) {
    Throw(env, Invalid("use loadModel()"));
    return;
  }
  engine_ = *info[0].As<Napi::External<SharedEngine>>().Data();
  mailbox_ = Mailbox::Create(env, "zell step");
  mailbox_->Unref(env);  // only a running step keeps the process alive
  hook_ = env.AddCleanupHook(Abandon, this);
  info.This().As<Napi::Object>().Set("info", ToInfo(env, *engine_));
}

ModelObject::~ModelObject() {
  if (!hook_) return;
  hook_->Remove(Env());
  engine_.reset();
  mailbox_->Release();
}

void ModelObject::Abandon(ModelObject* self) {
  if (self->engine_ != nullptr) self->engine_->Close();
  self->engine_.reset();
  self->hook_.reset();
}

bool ModelObject::IsOpen(Reader& reader) const {
  reader.Expect(engine_ != nullptr, "a model that is not closed");
  return reader.ok();
}

Napi::Value ModelObject::Tokenize(const Napi::CallbackInfo& info) {
  Reader reader("tokenize");
  const std::string text = reader.Text(info[0], "text");
  const bool special = reader.Boolean(info[1], "parseSpecial");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  return ToInt32Array(info.Env(), engine_->tokenizer().Encode(text, special));
}

Napi::Value ModelObject::Piece(const Napi::CallbackInfo& info) {
  Reader reader("piece");
  const bool special = reader.Boolean(info[1], "special");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const size_t most = engine_->tokenizer().size() - 1;
  const uint32_t token = reader.Unsigned(info[0], "token", static_cast<uint32_t>(most));
  if (!reader.ok()) return Throw(info.Env(), reader.status());
  return ToUint8Array(info.Env(), engine_->tokenizer().Piece(static_cast<tokenizer::Token>(token), special));
}

Napi::Value ModelObject::Detokenize(const Napi::CallbackInfo& info) {
  Reader reader("detokenize");
  const std::vector<int32_t> tokens = reader.Integers(info[0], "tokens");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  tokenizer::StreamDecoder decoder(engine_->tokenizer(), true);
  std::string text;
  for (const int32_t token : tokens) {
    reader.Expect(token >= 0 && static_cast<size_t>(token) < engine_->tokenizer().size(),
                  "tokens inside the vocabulary");
    if (!reader.ok()) return Throw(info.Env(), reader.status());
    text += decoder.Push(token);
  }
  return Napi::String::New(info.Env(), text + decoder.Flush());
}

Napi::Value ModelObject::CreateDecoder(const Napi::CallbackInfo& info) {
  Reader reader("createDecoder");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  return DecoderObject::Create(info.Env(), engine_->shared_tokenizer());
}

Napi::Value ModelObject::CreateSequence(const Napi::CallbackInfo& info) {
  Reader reader("createSequence");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  return Napi::Number::New(info.Env(), engine_->CreateSequence());
}

Napi::Value ModelObject::SetSampler(const Napi::CallbackInfo& info) {
  Reader reader("setSampler");
  const uint32_t sequence = reader.Unsigned(info[0], "sequence");
  sampling::SamplerParams params = ReadSampling(reader, info[1]);
  const std::vector<int32_t> history = reader.Integers(info[2], "history");
  const std::string constraint = Reader::Has(info[3]) ? reader.Text(info[3], "constraint") : std::string();
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const base::Status status = engine_->SetSampler(sequence, std::move(params), history, constraint);
  if (!status.ok()) return Throw(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value ModelObject::CheckConstraint(const Napi::CallbackInfo& info) {
  Reader reader("checkConstraint");
  const std::string constraint = reader.Text(info[0], "constraint");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const base::Status status = engine_->CheckConstraint(constraint);
  return status.ok() ? info.Env().Undefined() : Throw(info.Env(), status);
}

Napi::Value ModelObject::FreeSequence(const Napi::CallbackInfo& info) {
  Reader reader("freeSequence");
  const uint32_t sequence = reader.Unsigned(info[0], "sequence");
  if (!reader.ok()) return Throw(info.Env(), reader.status());
  if (engine_ != nullptr) engine_->FreeSequence(sequence);
  return info.Env().Undefined();
}

Napi::Value ModelObject::SequenceLength(const Napi::CallbackInfo& info) {
  Reader reader("sequenceLength");
  const uint32_t sequence = reader.Unsigned(info[0], "sequence");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const base::Result<uint32_t> length = engine_->Length(sequence);
  if (!length.ok()) return Throw(info.Env(), length.status());
  return Napi::Number::New(info.Env(), *length);
}

Napi::Value ModelObject::TruncateSequence(const Napi::CallbackInfo& info) {
  Reader reader("truncateSequence");
  const uint32_t sequence = reader.Unsigned(info[0], "sequence");
  const uint32_t length = reader.Unsigned(info[1], "length");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const base::Status status = engine_->Truncate(sequence, length);
  if (!status.ok()) return Throw(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value ModelObject::ForkSequence(const Napi::CallbackInfo& info) {
  Reader reader("forkSequence");
  const uint32_t sequence = reader.Unsigned(info[0], "sequence");
  const uint32_t length = reader.Unsigned(info[1], "length");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const base::Result<uint32_t> fork = engine_->Fork(sequence, length);
  if (!fork.ok()) return Throw(info.Env(), fork.status());
  return Napi::Number::New(info.Env(), *fork);
}

Napi::Value ModelObject::AdoptPrefix(const Napi::CallbackInfo& info) {
  Reader reader("adoptPrefix");
  const uint32_t sequence = reader.Unsigned(info[0], "sequence");
  const uint32_t source = reader.Unsigned(info[1], "source");
  const uint32_t length = reader.Unsigned(info[2], "length");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const base::Status status = engine_->Adopt(sequence, source, length);
  return status.ok() ? info.Env().Undefined() : Throw(info.Env(), status);
}

Napi::Value ModelObject::LoadAdapter(const Napi::CallbackInfo& info) {
  Reader reader("loadAdapter");
  const std::string path = reader.Text(info[0], "path");
  if (!IsOpen(reader)) return Reject(info.Env(), reader.status());
  return RunTask(info.Env(), "zell adapter", [path, engine = engine_](TaskContext&) mutable -> TaskResult {
    auto loaded = std::make_shared<base::Result<lora::AdapterInfo>>(engine->LoadAdapter(path));
    engine.reset();
    return [loaded](Napi::Env env, bool& rejected) -> Napi::Value {
      rejected = !loaded->ok();
      if (rejected) return ToError(env, loaded->status());
      return ToAdapter(env, **loaded);
    };
  });
}

Napi::Value ModelObject::UnloadAdapter(const Napi::CallbackInfo& info) {
  Reader reader("unloadAdapter");
  const uint32_t id = reader.Unsigned(info[0], "id");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const base::Status status = engine_->UnloadAdapter(id);
  if (!status.ok()) return Throw(info.Env(), status);
  return info.Env().Undefined();
}

Napi::Value ModelObject::KvUsage(const Napi::CallbackInfo& info) {
  Reader reader("kvUsage");
  if (!IsOpen(reader)) return Throw(info.Env(), reader.status());
  const runtime::KvUsage usage = engine_->Usage();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("used", Napi::Number::New(info.Env(), static_cast<double>(usage.used)));
  object.Set("total", Napi::Number::New(info.Env(), static_cast<double>(usage.total)));
  object.Set("blockTokens", Napi::Number::New(info.Env(), static_cast<double>(usage.block_tokens)));
  object.Set("blockBytes", Napi::Number::New(info.Env(), static_cast<double>(usage.block_bytes)));
  return object;
}

Napi::Value ModelObject::Step(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Reader reader("step");
  std::vector<runtime::StepItem> items = ReadItems(reader, info[0]);
  if (!IsOpen(reader)) return Reject(env, reader.status());
  if (step_) return Reject(env, {base::StatusCode::kAlreadyRunning, "a step is running already"});
  // The callback holds the mailbox, and this object is kept by Ref until StepEnded.
  const base::Status status = engine_->Step(
      std::move(items), [this, mailbox = mailbox_](base::Result<std::vector<runtime::StepOutput>> result) {
        auto shared = std::make_shared<base::Result<std::vector<runtime::StepOutput>>>(std::move(result));
        mailbox->Post([this, shared](Napi::Env e) { StepEnded(e, std::move(*shared)); });
      });
  if (!status.ok()) return Reject(env, status);
  Ref();
  mailbox_->Ref(env);
  step_ = Napi::Promise::Deferred::New(env);
  return step_->Promise();
}

void ModelObject::StepEnded(Napi::Env env, base::Result<std::vector<runtime::StepOutput>> result) {
  const Napi::Promise::Deferred deferred = *step_;
  step_.reset();
  mailbox_->Unref(env);
  if (result.ok()) {
    deferred.Resolve(ToOutputs(env, *result));
  } else {
    deferred.Reject(ToError(env, result.status()));
  }
  Unref();
}

Napi::Value ModelObject::Cancel(const Napi::CallbackInfo& info) {
  Reader reader("cancel");
  const uint32_t sequence = reader.Unsigned(info[0], "sequence");
  if (!reader.ok()) return Throw(info.Env(), reader.status());
  if (engine_ != nullptr) engine_->Cancel(sequence);
  return info.Env().Undefined();
}

Napi::Value ModelObject::Close(const Napi::CallbackInfo& info) {
  // Joining the engine's thread and unmapping a large file may take a while.
  return RunTask(info.Env(), "zell close", [engine = std::exchange(engine_, nullptr)](TaskContext&) mutable {
    if (engine != nullptr) engine->Close();
    engine.reset();
    return [](Napi::Env env, bool&) -> Napi::Value { return env.Undefined(); };
  });
}

}  // namespace zell::addon
