// NativeTrainerHandle: a training of one model.
#pragma once

#include <napi.h>

#include <functional>
#include <memory>

#include "addon/task.h"
#include "train/trainer.h"

namespace zell::addon {

class Reader;

/// (path, recipe, warmStart?) → promise of a handle.
Napi::Value OpenTrainer(const Napi::CallbackInfo& info);

class TrainerObject final : public Napi::ObjectWrap<TrainerObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Value Create(Napi::Env env, std::shared_ptr<train::Trainer> trainer);
  explicit TrainerObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Plan(const Napi::CallbackInfo& info);
  Napi::Value AddItems(const Napi::CallbackInfo& info);
  Napi::Value Steps(const Napi::CallbackInfo& info);
  Napi::Value Run(const Napi::CallbackInfo& info);
  Napi::Value Pause(const Napi::CallbackInfo& info);
  Napi::Value Resume(const Napi::CallbackInfo& info);
  Napi::Value Stop(const Napi::CallbackInfo& info);
  Napi::Value SaveCheckpoint(const Napi::CallbackInfo& info);
  Napi::Value LoadCheckpoint(const Napi::CallbackInfo& info);
  Napi::Value SaveAdapter(const Napi::CallbackInfo& info);
  Napi::Value AdapterHash(const Napi::CallbackInfo& info);
  Napi::Value BaseDistributions(const Napi::CallbackInfo& info);
  Napi::Value Close(const Napi::CallbackInfo& info);

  using Work = std::function<TaskResult(train::Trainer& trainer, TaskContext& context)>;
  bool IsIdle(Reader& reader) const;
  /// Runs `work` on a thread; while it does, IsIdle is false. The environment's end stops the trainer first.
  Napi::Value Start(Napi::Env env, const char* name, Work work);

  std::shared_ptr<train::Trainer> trainer_;  ///< null after close
  std::shared_ptr<bool> busy_ = std::make_shared<bool>(false);
};

}  // namespace zell::addon
