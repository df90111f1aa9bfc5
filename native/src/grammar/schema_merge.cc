#include "grammar/schema_merge.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace zell::grammar {
namespace {

constexpr size_t kMostBranches = 256;

Json Both(Json a, Json b) {
  if (a.type == Json::Type::kTrue || a == b) return b;
  if (b.type == Json::Type::kTrue) return a;
  Json both = Json::Object();
  both.at = a.at;
  Json list = Json::Array();
  list.items = {std::move(a), std::move(b)};
  both.Set("allOf", std::move(list));
  return both;
}

double Value(const Json& number) { return std::strtod(number.text.c_str(), nullptr); }

Json Types(const Json& a, const Json& b) {
  const auto list = [](const Json& type) { return type.IsArray() ? type.items : std::vector<Json>{type}; };
  const auto has = [&](const Json& types, std::string_view name) {
    return std::ranges::any_of(list(types), [&](const Json& type) { return type.text == name; });
  };
  Json out = Json::Array();
  for (const Json& type : list(a)) {
    if (has(b, type.text) || (type.text == "integer" && has(b, "number"))) out.items.push_back(type);
    if (type.text == "number" && has(b, "integer") && !has(b, "number")) out.items.push_back(Json::String("integer"));
  }
  return out;
}

/// Members of both; one that a side does not know must suit what that side says about others.
Json Properties(const Json& a, const Json& b) {
  const auto member = [](const Json& schema, std::string_view name) -> const Json* {
    const Json* properties = schema.Find("properties");
    return properties == nullptr ? nullptr : properties->Find(name);
  };
  const auto in = [&](const Json& schema, std::string_view name) {
    if (const Json* own = member(schema, name)) return *own;
    const Json* others = schema.Find("additionalProperties");
    return others == nullptr ? Json::Of(true) : *others;
  };
  Json out = Json::Object();
  for (const Json* schema : {&a, &b}) {
    const Json* properties = schema->Find("properties");
    if (properties == nullptr) continue;
    for (const auto& [name, value] : properties->members) {
      if (out.Find(name) == nullptr) out.Set(name, Both(in(a, name), in(b, name)));
    }
  }
  return out;
}

Json Union(const Json& a, const Json& b) {
  Json out = a;
  for (const Json& item : b.items) {
    if (std::ranges::find(out.items, item) == out.items.end()) out.items.push_back(item);
  }
  return out;
}

Json Intersection(const Json& a, const Json& b) {
  Json out = Json::Array();
  for (const Json& item : a.items) {
    if (std::ranges::find(b.items, item) != b.items.end()) out.items.push_back(item);
  }
  return out;
}

bool OneOf(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool IsAnnotation(std::string_view keyword) {
  return OneOf(keyword, {"title", "description", "default", "examples", "example", "deprecated", "readOnly",
                         "writeOnly", "$schema", "$id", "$comment", "$anchor", "$defs", "definitions", "$vocabulary",
                         "contentEncoding", "contentMediaType", "contentSchema", "nullable"});
}

base::Result<Json> MergeSchemas(const Json& a, const Json& b) {
  if (a.type == Json::Type::kTrue || b.type == Json::Type::kFalse) return b;
  if (b.type == Json::Type::kTrue || a.type == Json::Type::kFalse) return a;
  Json out = a;
  if (a.Find("properties") != nullptr || b.Find("properties") != nullptr) out.Set("properties", Properties(a, b));
  for (const auto& [keyword, value] : b.members) {
    const Json* own = a.Find(keyword);
    if (keyword == "properties" || IsAnnotation(keyword)) continue;
    if (own == nullptr || *own == value) {
      out.Set(keyword, value);
    } else if (keyword == "type") {
      out.Set(keyword, Types(*own, value));
    } else if (keyword == "required") {
      out.Set(keyword, Union(*own, value));
    } else if (keyword == "enum") {
      out.Set(keyword, Intersection(*own, value));
    } else if (keyword == "const") {
      return Json::Of(false);
    } else if (OneOf(keyword, {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})) {
      out.Set(keyword, Value(*own) > Value(value) ? *own : value);
    } else if (OneOf(keyword, {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})) {
      out.Set(keyword, Value(*own) < Value(value) ? *own : value);
    } else if (OneOf(keyword, {"items", "additionalProperties"})) {
      out.Set(keyword, Both(*own, value));
    } else if (OneOf(keyword, {"anyOf", "oneOf"}) && own->items.size() * value.items.size() <= kMostBranches) {
      Json pairs = Json::Array();
      for (const Json& first : own->items) {
        for (const Json& second : value.items) pairs.items.push_back(Both(first, second));
      }
      out.Set(keyword, std::move(pairs));
    } else {
      return base::Status{base::StatusCode::kUnsupported,
                          "The JSON schema has \"" + keyword + "\" at \"" + b.at + "/" + keyword +
                              "\" and another one that must hold too: " + "the two cannot be combined."};
    }
  }
  return out;
}

}  // namespace zell::grammar
