// Checks and copies arguments that come from JavaScript. The first mistake wins and says what was expected.
#pragma once

#include <napi.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "addon/errors.h"

namespace zell::addon {

/// Reads values for one function; messages are `{function} expects {what}`.
class Reader {
 public:
  explicit Reader(const char* function) : function_(function) {}

  bool ok() const { return status_.ok(); }
  const base::Status& status() const { return status_; }
  void Expect(bool condition, const std::string& what) {
    if (!condition && status_.ok()) status_ = Invalid(std::string(function_) + " expects " + what);
  }

  /// A whole number in [least, most]; 0 after a mistake.
  int64_t Integer(const Napi::Value& value, const char* name, int64_t least, int64_t most);
  uint32_t Unsigned(const Napi::Value& value, const char* name, uint32_t most = UINT32_MAX) {
    return static_cast<uint32_t>(Integer(value, name, 0, most));
  }
  /// A number in [least, most], never NaN.
  double Number(const Napi::Value& value, const char* name, double least, double most);
  std::string Text(const Napi::Value& value, const char* name);
  bool Boolean(const Napi::Value& value, const char* name);
  std::vector<int32_t> Integers(const Napi::Value& value, const char* name);
  std::vector<float> Floats(const Napi::Value& value, const char* name);
  std::vector<uint8_t> Bytes(const Napi::Value& value, const char* name);
  Napi::Object Object(const Napi::Value& value, const char* name);

  /// A property; undefined when absent.
  static Napi::Value Get(const Napi::Object& object, const char* name) { return object.Get(name); }
  /// True when the property is there; null counts as absent.
  static bool Has(const Napi::Value& value) { return !value.IsEmpty() && !value.IsUndefined() && !value.IsNull(); }

 private:
  const char* function_;
  base::Status status_;
};

}  // namespace zell::addon
