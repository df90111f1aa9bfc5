// NativeDecoder: joins tokens to text.
#pragma once

#include <napi.h>

#include <memory>

#include "tokenizer/tokenizer.h"

namespace zell::addon {

class DecoderObject final : public Napi::ObjectWrap<DecoderObject> {
 public:
  static Napi::Function Define(Napi::Env env);
  static Napi::Value Create(Napi::Env env, std::shared_ptr<const tokenizer::Tokenizer> tokenizer);
  explicit DecoderObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value Push(const Napi::CallbackInfo& info);
  Napi::Value Flush(const Napi::CallbackInfo& info);

  std::shared_ptr<const tokenizer::Tokenizer> tokenizer_;  ///< outlives the model if JavaScript wants so
  std::unique_ptr<tokenizer::StreamDecoder> decoder_;
};

}  // namespace zell::addon
