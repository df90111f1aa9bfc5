#include "base/status.h"

namespace zell::base {

const char* ToWire(StatusCode code) {
  switch (code) {
    case StatusCode::kOk:
      return "ok";
    case StatusCode::kInvalidRequest:
      return "invalid_request";
    case StatusCode::kNotFound:
      return "not_found";
    case StatusCode::kTooLarge:
      return "too_large";
    case StatusCode::kContextOverflow:
      return "context_overflow";
    case StatusCode::kOutOfMemory:
      return "out_of_memory";
    case StatusCode::kBadModelFile:
      return "bad_model_file";
    case StatusCode::kUnsupportedModel:
      return "unsupported_model";
    case StatusCode::kCancelled:
      return "cancelled";
    case StatusCode::kAlreadyRunning:
      return "already_running";
    case StatusCode::kIo:
      return "io";
    case StatusCode::kUnsupported:
      return "unsupported";
    case StatusCode::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace zell::base
