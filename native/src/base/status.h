// Status and Result: how native code reports expected failures. No exception crosses a room.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>

namespace zell::base {

/// The words of protocol/src/errors.ts that native code can produce.
enum class StatusCode {
  kOk,
  kInvalidRequest,
  kNotFound,
  kTooLarge,
  kContextOverflow,
  kOutOfMemory,
  kBadModelFile,
  kUnsupportedModel,
  kCancelled,
  kAlreadyRunning,
  kIo,
  kUnsupported,
  kInternal,
};

/// The wire word of a code (`bad_model_file` …); `ok` for kOk.
const char* ToWire(StatusCode code);

/// Success, or a code with one sentence for people.
struct [[nodiscard]] Status {
  StatusCode code = StatusCode::kOk;
  std::string message;

  bool ok() const { return code == StatusCode::kOk; }
  static Status Ok() { return {}; }
};

/// A value or the Status that explains its absence.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}  // NOLINT: implicit, so that `return value;` works
  Result(Status status) : status_(std::move(status)) { assert(!status_.ok()); }  // NOLINT: implicit, as above

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() { return *value_; }
  const T& value() const { return *value_; }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace zell::base

/// Returns from the enclosing function when `expr` (a Status) is a failure.
#define ZELL_RETURN_IF_ERROR(expr)               \
  do {                                           \
    ::zell::base::Status zell_status_ = (expr);  \
    if (!zell_status_.ok()) return zell_status_; \
  } while (false)
