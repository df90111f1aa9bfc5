// NativeModel: a loaded model, its sequences and steps.
#pragma once

#include <napi.h>

#include <memory>
#include <optional>

#include "addon/mailbox.h"
#include "runtime/engine.h"

namespace zell::addon {

class Reader;

class ModelObject final : public Napi::ObjectWrap<ModelObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Value Create(Napi::Env env, std::shared_ptr<runtime::Engine> engine);
  explicit ModelObject(const Napi::CallbackInfo& info);
  ~ModelObject() override;

 private:
  Napi::Value Tokenize(const Napi::CallbackInfo& info);
  Napi::Value Piece(const Napi::CallbackInfo& info);
  Napi::Value Detokenize(const Napi::CallbackInfo& info);
  Napi::Value CreateDecoder(const Napi::CallbackInfo& info);
  Napi::Value CreateSequence(const Napi::CallbackInfo& info);
  Napi::Value SetSampler(const Napi::CallbackInfo& info);
  Napi::Value CheckConstraint(const Napi::CallbackInfo& info);
  Napi::Value FreeSequence(const Napi::CallbackInfo& info);
  Napi::Value SequenceLength(const Napi::CallbackInfo& info);
  Napi::Value TruncateSequence(const Napi::CallbackInfo& info);
  Napi::Value ForkSequence(const Napi::CallbackInfo& info);
  Napi::Value AdoptPrefix(const Napi::CallbackInfo& info);
  Napi::Value LoadAdapter(const Napi::CallbackInfo& info);
  Napi::Value UnloadAdapter(const Napi::CallbackInfo& info);
  Napi::Value KvUsage(const Napi::CallbackInfo& info);
  Napi::Value ExpertReads(const Napi::CallbackInfo& info);
  Napi::Value ExpertUses(const Napi::CallbackInfo& info);
  Napi::Value LayerReads(const Napi::CallbackInfo& info);
  Napi::Value SaveBlocks(const Napi::CallbackInfo& info);
  Napi::Value RestoreBlocks(const Napi::CallbackInfo& info);
  Napi::Value MoveWeightsToMemory(const Napi::CallbackInfo& info);
  Napi::Value Step(const Napi::CallbackInfo& info);
  Napi::Value Cancel(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  bool IsOpen(Reader& reader) const;
  void StepEnded(Napi::Env env, base::Result<std::vector<runtime::StepOutput>> result);
  /// The environment ends: no letter may come after.
  static void Abandon(ModelObject* self);

  std::shared_ptr<runtime::Engine> engine_;  ///< null after close
  std::shared_ptr<Mailbox> mailbox_;
  std::optional<Napi::Promise::Deferred> step_;
  std::optional<Napi::Env::CleanupHook<void (*)(ModelObject*), ModelObject>> hook_;
};

}  // namespace zell::addon
