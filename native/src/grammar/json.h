// JSON as constraints and schemas come in: members keep their order, numbers their digits.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace zell::grammar {

constexpr int kMostJsonDepth = 200;
constexpr size_t kMostJsonBytes = size_t{4} << 20;

struct Json {
  enum class Type : uint8_t { kNull, kFalse, kTrue, kNumber, kString, kArray, kObject };
  Type type = Type::kNull;
  std::string text;  ///< of a string; a number as it was written
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;
  std::string at;  ///< JSON pointer of an object in its document, once Locate was called

  bool IsObject() const { return type == Type::kObject; }
  bool IsArray() const { return type == Type::kArray; }
  bool IsString() const { return type == Type::kString; }
  bool IsNumber() const { return type == Type::kNumber; }
  bool IsBoolean() const { return type == Type::kTrue || type == Type::kFalse; }
  /// A member; nullptr: absent.
  const Json* Find(std::string_view name) const;
  Json* Find(std::string_view name) { return const_cast<Json*>(std::as_const(*this).Find(name)); }
  /// Adds or replaces a member.
  void Set(std::string_view name, Json value);
  void Remove(std::string_view name);
  /// Equal as values: members in any order, numbers by value.
  bool operator==(const Json& other) const;

  static Json Of(bool value) { return Json(value ? Type::kTrue : Type::kFalse); }
  static Json Object() { return Json(Type::kObject); }
  static Json Array() { return Json(Type::kArray); }
  static Json String(std::string text) { return Json(Type::kString, std::move(text)); }
  static Json Number(std::string text) { return Json(Type::kNumber, std::move(text)); }

  Json() = default;
  explicit Json(Type t, std::string s = {}) : type(t), text(std::move(s)) {}
};

/// Lone surrogates become U+FFFD. @errors kInvalidRequest, kTooLarge.
base::Result<Json> ParseJson(std::string_view text);

/// Fills `at` of every object within.
void Locate(Json* value, const std::string& pointer);

/// The value at a JSON pointer (percent-encoded, as in `$ref`, without `#`); nullptr: none.
const Json* At(const Json& root, std::string_view pointer);

/// A string in quotes, with no escape that is not needed.
std::string Quoted(std::string_view text);

}  // namespace zell::grammar
