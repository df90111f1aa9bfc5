#include "addon/decoder_object.h"

#include "addon/classes.h"
#include "addon/reader.h"

namespace zell::addon {

using SharedTokenizer = std::shared_ptr<const tokenizer::Tokenizer>;

Napi::Function DecoderObject::Define(Napi::Env env) {
  return DefineClass(env, "NativeDecoder",
                     {InstanceMethod<&DecoderObject::Push>("push"), InstanceMethod<&DecoderObject::Flush>("flush")});
}

Napi::Value DecoderObject::Create(Napi::Env env, SharedTokenizer tokenizer) {
  return ClassesOf(env).decoder.New({Napi::External<SharedTokenizer>::New(env, &tokenizer)});
}

DecoderObject::DecoderObject(const Napi::CallbackInfo& info) : ObjectWrap(info) {
  // Only Create passes this; a script's `new` gets an object whose methods refuse.
  if (info.Length() == 0 || !info[0].IsExternal()) {
    Throw(info.Env(), Invalid("use model.createDecoder()"));
    return;
  }
  tokenizer_ = *info[0].As<Napi::External<SharedTokenizer>>().Data();
  decoder_ = std::make_unique<tokenizer::StreamDecoder>(*tokenizer_);
}

Napi::Value DecoderObject::Push(const Napi::CallbackInfo& info) {
  Reader reader("push");
  reader.Expect(decoder_ != nullptr, "a decoder of a model");
  const size_t most = tokenizer_ == nullptr ? 0 : tokenizer_->size() - 1;
  const uint32_t token = reader.Unsigned(info[0], "token", static_cast<uint32_t>(most));
  if (!reader.ok()) return Throw(info.Env(), reader.status());
  return Napi::String::New(info.Env(), decoder_->Push(static_cast<tokenizer::Token>(token)));
}

Napi::Value DecoderObject::Flush(const Napi::CallbackInfo& info) {
  if (decoder_ == nullptr) return Throw(info.Env(), Invalid("flush expects a decoder of a model"));
  return Napi::String::New(info.Env(), decoder_->Flush());
}

}  // namespace zell::addon
