#include "addon/trainer_object.h"

#include <optional>
#include <utility>

#include "addon/classes.h"
#include "addon/errors.h"
#include "addon/reader.h"
#include "addon/trainer_arguments.h"

namespace zell::addon {
namespace {

using SharedTrainer = std::shared_ptr<train::Trainer>;

// Runs before the hook that joins the work's thread, which may be parked.
void StopTrainer(train::Trainer* trainer) { trainer->Stop(); }

/// A promise's value, or its error, out of a result that `to_value` turns into one.
template <typename T, typename ToValue>
TaskResult Deliver(base::Result<T> result, ToValue to_value) {
  auto shared = std::make_shared<base::Result<T>>(std::move(result));
  return [shared, to_value](Napi::Env env, bool& rejected) -> Napi::Value {
    rejected = !shared->ok();
    if (rejected) return ToError(env, shared->status());
    return to_value(env, **shared);
  };
}

TaskResult Deliver(const base::Status& status) {
  return [status](Napi::Env env, bool& rejected) -> Napi::Value {
    rejected = !status.ok();
    return rejected ? ToError(env, status) : env.Undefined();
  };
}

Napi::Value ToText(Napi::Env env, const std::string& text) { return Napi::String::New(env, text); }

}  // namespace

Napi::Value OpenTrainer(const Napi::CallbackInfo& info) {
  Reader reader("openTrainer");
  const std::string path = reader.Text(info[0], "path");
  const train::Recipe recipe = ReadRecipe(reader, info[1]);
  std::string warm_start;
  if (Reader::Has(info[2])) warm_start = reader.Text(info[2], "warmStart");
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return RunTask(info.Env(), "zell trainer", [=](TaskContext&) -> TaskResult {
    auto opened =
        std::make_shared<base::Result<std::unique_ptr<train::Trainer>>>(train::Trainer::Open(path, recipe, warm_start));
    return [opened](Napi::Env env, bool& rejected) -> Napi::Value {
      rejected = !opened->ok();
      if (rejected) return ToError(env, opened->status());
      return TrainerObject::Create(env, SharedTrainer(std::move(**opened)));
    };
  });
}

Napi::Function TrainerObject::Define(Napi::Env env) {
  return DefineClass(
      env, "NativeTrainerHandle",
      {InstanceMethod<&TrainerObject::Plan>("plan"), InstanceMethod<&TrainerObject::AddItems>("addItems"),
       InstanceMethod<&TrainerObject::Steps>("steps"), InstanceMethod<&TrainerObject::Run>("run"),
       InstanceMethod<&TrainerObject::Pause>("pause"), InstanceMethod<&TrainerObject::Resume>("resume"),
       InstanceMethod<&TrainerObject::Stop>("stop"), InstanceMethod<&TrainerObject::SaveCheckpoint>("saveCheckpoint"),
       InstanceMethod<&TrainerObject::LoadCheckpoint>("loadCheckpoint"),
       InstanceMethod<&TrainerObject::SaveAdapter>("saveAdapter"),
       InstanceMethod<&TrainerObject::AdapterHash>("adapterHash"),
       InstanceMethod<&TrainerObject::BaseDistributions>("baseDistributions"),
       InstanceMethod<&TrainerObject::Close>("close")});
}

Napi::Value TrainerObject::Create(Napi::Env env, SharedTrainer trainer) {
  return ClassesOf(env).trainer.New({Napi::External<SharedTrainer>::New(env, &trainer)});
}

TrainerObject::TrainerObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  // Only Create passes this; a script's `new` gets an object whose methods refuse.
  if (info.Length() == 0 || !info[0].IsExternal()) {
    Throw(info.Env(), Invalid("use openTrainer()"));
    return;
  }
  trainer_ = *info[0].As<Napi::External<SharedTrainer>>().Data();
}

bool TrainerObject::IsIdle(Reader& reader) const {
  reader.Expect(trainer_ != nullptr, "an open trainer");
  reader.Expect(!*busy_, "the call before to have ended");
  return reader.ok();
}

Napi::Value TrainerObject::Start(Napi::Env env, const char* name, Work work) {
  using Hook = Napi::Env::CleanupHook<void (*)(train::Trainer*), train::Trainer>;
  auto hook = std::make_shared<std::optional<Hook>>();
  *busy_ = true;
  const Napi::Value promise = RunTask(
      env, name, [trainer = trainer_, busy = busy_, hook, work = std::move(work)](TaskContext& context) -> TaskResult {
        TaskResult result = work(*trainer, context);
        return [trainer, busy, hook, result = std::move(result)](Napi::Env inner, bool& rejected) {
          (*hook)->Remove(inner);
          *busy = false;
          return result(inner, rejected);
        };
      });
  *hook = env.AddCleanupHook(StopTrainer, trainer_.get());
  return promise;
}

Napi::Value TrainerObject::Plan(const Napi::CallbackInfo& info) {
  Reader reader("plan");
  reader.Expect(trainer_ != nullptr, "an open trainer");
  return reader.ok() ? ToPlan(info.Env(), trainer_->plan()) : Throw(info.Env(), reader.status());
}

Napi::Value TrainerObject::AddItems(const Napi::CallbackInfo& info) {
  Reader reader("addItems");
  if (!IsIdle(reader)) return Throw(info.Env(), reader.status());
  std::vector<train::Item> items = ReadTrainerItems(reader, info[0]);
  if (!reader.ok()) return Throw(info.Env(), reader.status());
  const base::Status status = trainer_->AddItems(std::move(items));
  return status.ok() ? info.Env().Undefined() : Throw(info.Env(), status);
}

Napi::Value TrainerObject::Steps(const Napi::CallbackInfo& info) {
  Reader reader("steps");
  if (!IsIdle(reader)) return Throw(info.Env(), reader.status());
  return Napi::Number::New(info.Env(), static_cast<double>(trainer_->Steps()));
}

Napi::Value TrainerObject::Run(const Napi::CallbackInfo& info) {
  Reader reader("run");
  IsIdle(reader);
  const auto steps = static_cast<uint64_t>(reader.Integer(info[0], "steps", 0, int64_t{1} << 53));
  reader.Expect(info[1].IsFunction(), "onProgress to be a function");
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  auto report = std::make_shared<Napi::FunctionReference>(Napi::Persistent(info[1].As<Napi::Function>()));
  return Start(info.Env(), "zell train", [steps, report](train::Trainer& trainer, TaskContext& context) {
    base::Result<train::Progress> last = trainer.Run(steps, [&](const train::Progress& progress) {
      context.mailbox->Post([report, progress](Napi::Env env) {
        if (!report->IsEmpty()) report->Call({ToProgress(env, progress)});
      });
    });
    return Deliver(std::move(last), [report](Napi::Env env, const train::Progress& progress) {
      report->Reset();
      return ToProgress(env, progress);
    });
  });
}

Napi::Value TrainerObject::Pause(const Napi::CallbackInfo& info) {
  if (trainer_ != nullptr) trainer_->Pause();
  return info.Env().Undefined();
}

Napi::Value TrainerObject::Resume(const Napi::CallbackInfo& info) {
  if (trainer_ != nullptr) trainer_->Resume();
  return info.Env().Undefined();
}

Napi::Value TrainerObject::Stop(const Napi::CallbackInfo& info) {
  // Without work that it could end it would end the next.
  if (trainer_ != nullptr && *busy_) trainer_->Stop();
  return info.Env().Undefined();
}

Napi::Value TrainerObject::SaveCheckpoint(const Napi::CallbackInfo& info) {
  Reader reader("saveCheckpoint");
  IsIdle(reader);
  const std::string path = reader.Text(info[0], "path");
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return Start(info.Env(), "zell checkpoint",
               [path](train::Trainer& trainer, TaskContext&) { return Deliver(trainer.SaveCheckpoint(path)); });
}

Napi::Value TrainerObject::LoadCheckpoint(const Napi::CallbackInfo& info) {
  Reader reader("loadCheckpoint");
  IsIdle(reader);
  const std::string path = reader.Text(info[0], "path");
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return Start(info.Env(), "zell checkpoint",
               [path](train::Trainer& trainer, TaskContext&) { return Deliver(trainer.LoadCheckpoint(path)); });
}

Napi::Value TrainerObject::SaveAdapter(const Napi::CallbackInfo& info) {
  Reader reader("saveAdapter");
  IsIdle(reader);
  const std::string path = reader.Text(info[0], "path");
  const Napi::Object given = reader.Object(info[1], "metadata");
  std::vector<std::pair<std::string, std::string>> metadata;
  if (reader.ok()) {
    const Napi::Array keys = given.GetPropertyNames();
    for (uint32_t i = 0; i < keys.Length(); ++i) {
      const std::string key = keys.Get(i).ToString().Utf8Value();
      metadata.emplace_back(key, reader.Text(given.Get(key), "metadata"));
    }
  }
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return Start(info.Env(), "zell adapter", [path, metadata](train::Trainer& trainer, TaskContext&) {
    return Deliver(trainer.SaveAdapter(path, metadata), ToText);
  });
}

Napi::Value TrainerObject::AdapterHash(const Napi::CallbackInfo& info) {
  Reader reader("adapterHash");
  if (!IsIdle(reader)) return Reject(info.Env(), reader.status());
  return Start(info.Env(), "zell adapter", [](train::Trainer& trainer, TaskContext&) {
    return Deliver(base::Result<std::string>(trainer.AdapterHash()), ToText);
  });
}

Napi::Value TrainerObject::BaseDistributions(const Napi::CallbackInfo& info) {
  Reader reader("baseDistributions");
  IsIdle(reader);
  train::Item item;
  item.tokens = reader.Integers(info[0], "tokens");
  item.loss = reader.Bytes(info[1], "loss");
  const auto top = static_cast<uint32_t>(reader.Integer(info[2], "top", 1, 256));
  if (!reader.ok()) return Reject(info.Env(), reader.status());
  return Start(info.Env(), "zell teacher", [item, top](train::Trainer& trainer, TaskContext&) {
    return Deliver(trainer.BaseDistributions(item, top), ToDistributions);
  });
}

Napi::Value TrainerObject::Close(const Napi::CallbackInfo& info) {
  if (trainer_ != nullptr && *busy_) trainer_->Stop();
  trainer_.reset();  // work in flight holds it until it has ended
  return info.Env().Undefined();
}

}  // namespace zell::addon
