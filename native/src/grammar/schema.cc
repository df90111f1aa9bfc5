#include "grammar/schema.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <unordered_map>

#include "grammar/formats.h"
#include "grammar/json_syntax.h"
#include "grammar/numbers.h"
#include "grammar/pattern.h"
#include "grammar/schema_merge.h"

namespace zell::grammar {
namespace {

/// Schemas that one leads to by $ref, allOf and anyOf before a value begins.
constexpr int kMostHops = 64;
constexpr size_t kMostSchemas = 100'000;

constexpr const char* kTypes[] = {"object", "array", "string", "number", "integer", "boolean", "null"};

/// What types a keyword speaks about; others ignore it.
struct KeywordOf {
  std::string_view keyword, type;
};
constexpr KeywordOf kKeywords[] = {
    {"properties", "object"},
    {"required", "object"},
    {"additionalProperties", "object"},
    {"items", "array"},
    {"prefixItems", "array"},
    {"minItems", "array"},
    {"maxItems", "array"},
    {"minLength", "string"},
    {"maxLength", "string"},
    {"pattern", "string"},
    {"format", "string"},
    {"minimum", "number"},
    {"maximum", "number"},
    {"exclusiveMinimum", "number"},
    {"exclusiveMaximum", "number"},
    {"multipleOf", "number"},
    {"minProperties", "object"},
    {"maxProperties", "object"},
    {"patternProperties", "object"},
    {"propertyNames", "object"},
    {"dependentRequired", "object"},
    {"dependentSchemas", "object"},
    {"dependencies", "object"},
    {"unevaluatedProperties", "object"},
    {"contains", "array"},
    {"uniqueItems", "array"},
    {"unevaluatedItems", "array"},
    {"additionalItems", "array"},
};
/// Not possible for any type.
constexpr std::string_view kNever[] = {"not", "if", "$dynamicRef", "$recursiveRef"};
constexpr std::string_view kNotOfObjects[] = {"patternProperties", "propertyNames", "dependentRequired",
                                              "dependentSchemas", "dependencies"};
constexpr std::string_view kNotOfArrays[] = {"contains", "unevaluatedItems"};

class SchemaReader {
 public:
  SchemaReader(const Json& root, Syntax* syntax) : root_(root), syntax_(*syntax), json_(syntax) {}

  base::Result<Expr> Run() {
    const Expr value = Value(root_, 0);
    if (status_.ok() && syntax_.too_large()) status_ = {base::StatusCode::kTooLarge, "The JSON schema is too large."};
    if (!status_.ok()) return status_;
    return value;
  }

 private:
  void Refuse(const Json& schema, std::string_view keyword, const std::string& why,
              base::StatusCode code = base::StatusCode::kUnsupported) {
    if (!status_.ok()) return;
    status_ = {code, "The JSON schema's \"" + std::string(keyword) + "\" at \"" + schema.at + "/" +
                         std::string(keyword) + "\" " + why + "."};
  }

  void RefuseIf(const Json& schema, std::string_view keyword) {
    if (schema.Find(keyword) != nullptr) Refuse(schema, keyword, "is not supported");
  }

  Expr Value(const Json& given, int hops) {
    if (!status_.ok()) return 0;
    if (++schemas_ > kMostSchemas || syntax_.too_large()) {
      status_ = {base::StatusCode::kTooLarge, "The JSON schema is too large."};
      return 0;
    }
    if (given.type == Json::Type::kTrue) return json_.AnyValue();
    if (given.type == Json::Type::kFalse) return syntax_.Never();
    if (!given.IsObject()) {
      status_ = {base::StatusCode::kInvalidRequest, "A JSON schema must be an object, true or false."};
      return 0;
    }
    if (const Json* ref = given.Find("$ref"); ref != nullptr && IsAlone(given, "$ref")) return Reference(given, *ref);
    Json schema = Flat(given, hops);
    if (!status_.ok()) return 0;
    if (schema.type == Json::Type::kFalse) return syntax_.Never();
    if (schema.type == Json::Type::kTrue) return json_.AnyValue();
    for (const std::string_view keyword : kNever) RefuseIf(schema, keyword);
    for (const std::string_view keyword : {"anyOf", "oneOf"}) {
      if (const Json* branches = schema.Find(keyword)) return Branches(schema, keyword, *branches, hops);
    }
    if (schema.Find("const") != nullptr || schema.Find("enum") != nullptr) return Listed(schema);
    return ByType(schema);
  }

  /// Whether nothing else than `keyword` says which values are valid.
  static bool IsAlone(const Json& schema, std::string_view keyword) {
    return std::ranges::all_of(schema.members,
                               [&](const auto& m) { return m.first == keyword || IsAnnotation(m.first); });
  }

  const Json* Target(const Json& schema, const Json& ref) {
    const std::string_view text = ref.text;
    const Json* target = ref.IsString() && !text.empty() && text[0] == '#' ? At(root_, text.substr(1)) : nullptr;
    if (target == nullptr) {
      Refuse(schema, "$ref", "names \"" + std::string(text.substr(0, 100)) + "\", which is not in the schema",
             base::StatusCode::kInvalidRequest);
    }
    return target;
  }

  Expr Reference(const Json& schema, const Json& ref) {
    const Json* target = Target(schema, ref);
    if (target == nullptr) return 0;
    const auto known = references_.find(target);
    if (known != references_.end()) return syntax_.Call(known->second);
    const Rule rule = syntax_.AddRule("$ref " + ref.text);
    references_[target] = rule;
    const Expr value = Value(*target, 0);
    syntax_.Define(rule, value);
    return syntax_.Call(rule);
  }

  /// Without $ref and allOf.
  Json Flat(const Json& given, int hops) {
    if (hops > kMostHops) {
      Refuse(given, given.Find("$ref") != nullptr ? "$ref" : "allOf", "leads back to itself");
      return Json::Of(false);
    }
    const Json* ref = given.Find("$ref");
    const Json* all = given.Find("allOf");
    Json out = given;
    out.Remove("$ref");
    out.Remove("allOf");
    const auto take = [&](const Json& part) {
      if (!status_.ok()) return;
      base::Result<Json> merged = MergeSchemas(out, part.IsObject() ? Flat(part, hops + 1) : part);
      if (!merged.ok()) {
        if (status_.ok()) status_ = merged.status();
        return;
      }
      out = std::move(*merged);
    };
    if (ref != nullptr) {
      if (const Json* target = Target(given, *ref)) take(*target);
    }
    if (all != nullptr && (!all->IsArray() || all->items.empty())) {
      Refuse(given, "allOf", "must be a list of schemas", base::StatusCode::kInvalidRequest);
    } else if (all != nullptr) {
      for (const Json& part : all->items) take(part);
    }
    return out;
  }

  Expr Branches(const Json& schema, std::string_view keyword, const Json& branches, int hops) {
    if (!branches.IsArray() || branches.items.empty()) {
      Refuse(schema, keyword, "must be a list of schemas", base::StatusCode::kInvalidRequest);
      return 0;
    }
    const bool alone = IsAlone(schema, keyword);
    Json rest = schema;
    rest.Remove(keyword);
    std::vector<Expr> choices;
    for (const Json& branch : branches.items) {
      if (!status_.ok()) break;
      if (alone) {
        choices.push_back(Value(branch, hops + 1));
        continue;
      }
      Json both = Json::Object();
      both.at = branch.at;
      Json list = Json::Array();
      list.items = {rest, branch};
      both.Set("allOf", std::move(list));
      choices.push_back(Value(both, hops + 1));
    }
    return syntax_.Choice(choices);
  }

  /// enum and const: of the values those that the type allows.
  Expr Listed(const Json& schema) {
    const Json* constant = schema.Find("const");
    const Json* list = schema.Find("enum");
    if (list != nullptr && !list->IsArray())
      Refuse(schema, "enum", "must be a list", base::StatusCode::kInvalidRequest);
    for (const KeywordOf& k : kKeywords) {
      if (schema.Find(k.keyword) != nullptr) Refuse(schema, k.keyword, "cannot be combined with const or enum");
    }
    if (!status_.ok()) return 0;
    const std::vector<std::string> types = TypesOf(schema);
    std::vector<std::string> texts;
    std::vector<Expr> choices;
    for (const Json& value : constant != nullptr ? std::vector<Json>{*constant} : list->items) {
      if (constant != nullptr && list != nullptr && std::ranges::find(list->items, value) == list->items.end())
        continue;
      if (std::ranges::none_of(types, [&](const std::string& type) { return IsOfType(value, type); })) continue;
      if (value.IsObject() || value.IsArray()) {
        choices.push_back(json_.Constant(value));
      } else {
        texts.push_back(value.IsString()    ? Quoted(value.text)
                        : value.IsNumber()  ? value.text
                        : value.IsBoolean() ? (value.type == Json::Type::kTrue ? "true" : "false")
                                            : "null");
      }
    }
    if (!texts.empty()) choices.push_back(syntax_.AnyOf(std::move(texts)));
    return syntax_.Choice(choices);
  }

  static bool IsOfType(const Json& value, std::string_view type) {
    switch (value.type) {
      case Json::Type::kNull:
        return type == "null";
      case Json::Type::kTrue:
      case Json::Type::kFalse:
        return type == "boolean";
      case Json::Type::kString:
        return type == "string";
      case Json::Type::kArray:
        return type == "array";
      case Json::Type::kObject:
        return type == "object";
      case Json::Type::kNumber: {
        const std::optional<Decimal> decimal = Decimal::Of(value.text);
        return type == "number" || (type == "integer" && decimal && decimal->fraction.empty());
      }
    }
    return false;
  }

  /// Named ones; else those that its keywords speak about, else all.
  std::vector<std::string> TypesOf(const Json& schema) {
    std::vector<std::string> types;
    if (const Json* type = schema.Find("type")) {
      for (const Json& name : type->IsArray() ? type->items : std::vector<Json>{*type}) {
        if (!name.IsString() || std::ranges::find(kTypes, name.text) == std::end(kTypes)) {
          Refuse(schema, "type", "is not known", base::StatusCode::kInvalidRequest);
        }
        types.push_back(name.text);
      }
      if (const Json* nullable = schema.Find("nullable"); nullable != nullptr && nullable->type == Json::Type::kTrue) {
        types.push_back("null");
      }
      return types;
    }
    for (const KeywordOf& k : kKeywords) {
      if (schema.Find(k.keyword) == nullptr) continue;
      if (std::ranges::find(types, k.type) == types.end()) types.emplace_back(k.type);
    }
    if (types.empty()) types.assign(std::begin(kTypes), std::end(kTypes));
    return types;
  }

  Expr ByType(const Json& schema) {
    const std::vector<std::string> types = TypesOf(schema);
    const auto has = [&](std::string_view type) { return std::ranges::find(types, type) != types.end(); };
    std::vector<Expr> choices;
    for (const std::string& type : types) {
      if (!status_.ok()) return 0;
      if (type == "object") choices.push_back(Object(schema));
      if (type == "array") choices.push_back(Array(schema));
      if (type == "string") choices.push_back(String(schema));
      if (type == "number" || (type == "integer" && !has("number"))) choices.push_back(Number(schema, type));
      if (type == "boolean") choices.push_back(syntax_.AnyOf({"true", "false"}));
      if (type == "null") choices.push_back(syntax_.Bytes("null"));
    }
    return syntax_.Choice(choices);
  }

  /// A count that a keyword gives.
  uint32_t Count(const Json& schema, std::string_view keyword, uint32_t absent) {
    const Json* value = schema.Find(keyword);
    if (value == nullptr) return absent;
    const std::optional<Decimal> decimal = value->IsNumber() ? Decimal::Of(value->text) : std::nullopt;
    if (!decimal || decimal->negative || !decimal->fraction.empty()) {
      Refuse(schema, keyword, "must be a count", base::StatusCode::kInvalidRequest);
      return absent;
    }
    if (decimal->whole.size() > 9) return absent == 0 ? kMostRepeats : absent;
    return static_cast<uint32_t>(std::stoul(decimal->whole));
  }

  Expr String(const Json& schema) {
    const Json* pattern = schema.Find("pattern");
    const Json* format = schema.Find("format");
    const uint32_t least = Count(schema, "minLength", 0), most = Count(schema, "maxLength", kNoLimit);
    if (format != nullptr && !IsStandardFormat(format->text)) format = nullptr;
    const bool bounded = schema.Find("minLength") != nullptr || schema.Find("maxLength") != nullptr;
    if (pattern == nullptr && format == nullptr) {
      if (!bounded) return json_.String();
      if (least > most) return syntax_.Never();
      return syntax_.Sequence({syntax_.Bytes("\""), syntax_.Repeat(json_.Char(), least, most), syntax_.Bytes("\"")});
    }
    if (pattern != nullptr && format != nullptr) Refuse(schema, "pattern", "cannot be combined with format");
    const char* keyword = pattern != nullptr ? "pattern" : "format";
    if (bounded) {
      const char* bound = schema.Find("minLength") != nullptr ? "minLength" : "maxLength";
      Refuse(schema, bound, std::string("cannot be combined with ") + keyword);
    }
    const char* known = format == nullptr ? nullptr : PatternOfFormat(format->text);
    if (pattern == nullptr && known == nullptr) Refuse(schema, "format", "is one that is not supported");
    if (!status_.ok()) return 0;
    const base::Result<Expr> chars = ReadPattern(pattern != nullptr ? pattern->text : known, &syntax_, &json_);
    if (!chars.ok()) {
      Refuse(schema, keyword, "is not possible: " + chars.status().message);
      return 0;
    }
    return syntax_.Sequence({syntax_.Bytes("\""), *chars, syntax_.Bytes("\"")});
  }

  std::optional<Bound> BoundOf(const Json& schema, std::string_view keyword, bool exclusive) {
    const Json* value = schema.Find(keyword);
    if (value == nullptr) return std::nullopt;
    const std::optional<Decimal> decimal = value->IsNumber() ? Decimal::Of(value->text) : std::nullopt;
    if (!decimal) Refuse(schema, keyword, "must be a number of ordinary size", base::StatusCode::kInvalidRequest);
    return decimal ? std::optional(Bound{*decimal, exclusive}) : std::nullopt;
  }

  Expr Number(const Json& schema, std::string_view type) {
    NumberBounds bounds;
    const auto narrower = [](std::optional<Bound> a, std::optional<Bound> b, const Json* x, const Json* y, bool low) {
      if (!a || !b) return a ? a : b;
      const double p = std::strtod(x->text.c_str(), nullptr), q = std::strtod(y->text.c_str(), nullptr);
      return (low ? q >= p : q <= p) ? b : a;
    };
    bounds.low = narrower(BoundOf(schema, "minimum", false), BoundOf(schema, "exclusiveMinimum", true),
                          schema.Find("minimum"), schema.Find("exclusiveMinimum"), true);
    bounds.high = narrower(BoundOf(schema, "maximum", false), BoundOf(schema, "exclusiveMaximum", true),
                           schema.Find("maximum"), schema.Find("exclusiveMaximum"), false);
    const bool bounded = bounds.low || bounds.high;
    if (const Json* factor = schema.Find("multipleOf"); factor != nullptr && factor->text != "1") {
      const std::optional<Decimal> f = factor->IsNumber() ? Decimal::Of(factor->text) : std::nullopt;
      const bool small = f && !f->negative && f->fraction.empty() && f->whole.size() <= 3;
      const unsigned long value = small ? std::stoul(f->whole) : 0;
      if (value < 2 || value > kMostFactor) Refuse(schema, "multipleOf", "is only supported from 1 to 100, whole");
      if (bounded) Refuse(schema, "multipleOf", "cannot be combined with bounds");
      return status_.ok() ? MultiplesOf(static_cast<uint32_t>(value), &syntax_) : 0;
    }
    if (!status_.ok()) return 0;
    if (type == "integer" || schema.Find("multipleOf") != nullptr) return IntegerWithin(bounds, &syntax_, &json_);
    return bounded ? NumberWithin(bounds, &syntax_, &json_) : json_.Number();
  }

  Expr Array(const Json& schema) {
    for (const std::string_view keyword : kNotOfArrays) RefuseIf(schema, keyword);
    if (const Json* unique = schema.Find("uniqueItems"); unique != nullptr && unique->type == Json::Type::kTrue) {
      Refuse(schema, "uniqueItems", "is not supported");
    }
    const Json* items = schema.Find("items");
    const Json* prefix = schema.Find("prefixItems");
    if (items != nullptr && items->IsArray()) {  // as older drafts wrote it
      prefix = items;
      items = schema.Find("additionalItems");
    }
    const uint32_t least = Count(schema, "minItems", 0), most = Count(schema, "maxItems", kNoLimit);
    const uint32_t first = prefix == nullptr ? 0 : static_cast<uint32_t>(prefix->items.size());
    if (!status_.ok()) return 0;
    // From the end: what may follow `count` items, each in a rule of its own.
    const Rule other = syntax_.AddRule("items of " + schema.at);
    syntax_.Define(other, items == nullptr ? json_.AnyValue() : Value(*items, 0));
    const Expr comma_other = syntax_.Sequence({json_.Comma(), syntax_.Call(other)});
    const auto missing = [&](uint32_t count) { return least > count ? least - count : 0; };
    Expr tail = syntax_.Never();
    if (first == 0) {
      if (most == 0) return least == 0 ? Brackets(syntax_.Empty()) : syntax_.Never();
      if (least > most) return syntax_.Never();
      const Expr more = syntax_.Repeat(comma_other, missing(1), most == kNoLimit ? kNoLimit : most - 1);
      const Expr all = syntax_.Sequence({syntax_.Call(other), more, json_.Space()});
      return Brackets(least == 0 ? syntax_.Optional(all) : all);
    }
    if (most > first) {
      const Expr more = syntax_.Repeat(comma_other, missing(first), most == kNoLimit ? kNoLimit : most - first);
      tail = syntax_.Sequence({more, json_.Space()});
    } else if (most == first && least <= first) {
      tail = json_.Space();
    }
    for (uint32_t i = first; i-- > 0 && status_.ok();) {
      const Expr item = Value(prefix->items[i], 0);
      const Rule rule = syntax_.AddRule("item " + std::to_string(i) + " of " + schema.at);
      syntax_.Define(rule, syntax_.Sequence({i == 0 ? syntax_.Empty() : json_.Comma(), item, tail}));
      const Expr end = i == 0 ? syntax_.Empty() : json_.Space();
      std::vector<Expr> choices;
      if (most > i) choices.push_back(syntax_.Call(rule));
      if (least <= i && i <= most) choices.push_back(end);
      tail = syntax_.Choice(choices);
    }
    return Brackets(tail);
  }

  Expr Brackets(Expr items) { return syntax_.Sequence({syntax_.Bytes("["), json_.Space(), items, syntax_.Bytes("]")}); }

  struct Property {
    std::string name;
    Expr member;
    bool required;
  };

  Expr Object(const Json& schema) {
    for (const std::string_view keyword : kNotOfObjects) RefuseIf(schema, keyword);
    if (const Json* rest = schema.Find("unevaluatedProperties"); rest != nullptr && rest->IsObject()) {
      Refuse(schema, "unevaluatedProperties", "is only supported as true or false");
    }
    const Json* properties = schema.Find("properties");
    const Json* required = schema.Find("required");
    const Json* others = schema.Find("additionalProperties");
    const bool bare = properties == nullptr && required == nullptr && others == nullptr;
    std::vector<Property> list;
    std::vector<std::string> names;
    const auto add = [&](const std::string& name, const Json& value, bool needed) {
      if (!status_.ok()) return;
      const Rule rule = syntax_.AddRule("property " + name);
      syntax_.Define(rule, Value(value, 0));
      list.push_back({name, json_.Member(syntax_.Bytes(Quoted(name)), syntax_.Call(rule)), needed});
      names.push_back(name);
    };
    const auto needs = [&](std::string_view name) {
      return required != nullptr && std::ranges::any_of(required->items, [&](const Json& n) { return n.text == name; });
    };
    if (properties != nullptr) {
      for (const auto& [name, value] : properties->members) add(name, value, needs(name));
    }
    // Required ones that nothing more is said about.
    if (required != nullptr) {
      for (const Json& name : required->items) {
        if (std::ranges::find(names, name.text) != names.end()) continue;
        add(name.text, others == nullptr ? Json::Of(true) : *others, true);
      }
    }
    // What is not said to be allowed beside named properties is left away, as strict schemas want it.
    const bool open = bare || (others != nullptr && others->type != Json::Type::kFalse);
    CheckCounts(schema, list, open);
    if (!status_.ok()) return 0;
    if (bare) return json_.AnyObject();
    return json_.Braces(Members(list, open ? Others(others, names) : syntax_.Never(), open));
  }

  /// minProperties and maxProperties are honoured where nothing needs to be counted.
  void CheckCounts(const Json& schema, const std::vector<Property>& list, bool open) {
    const uint32_t least = Count(schema, "minProperties", 0), most = Count(schema, "maxProperties", kNoLimit);
    const size_t needed =
        static_cast<size_t>(std::ranges::count_if(list, [](const Property& p) { return p.required; }));
    if (least > needed) Refuse(schema, "minProperties", "is only supported up to the number of required properties");
    if (most != kNoLimit && (open || most < list.size())) {
      Refuse(schema, "maxProperties", "is only supported from the number of properties on");
    }
  }

  /// A member with another name.
  Expr Others(const Json* value, const std::vector<std::string>& names) {
    const Rule rule = syntax_.AddRule("another property");
    syntax_.Define(rule, value == nullptr ? json_.AnyValue() : Value(*value, 0));
    return json_.Member(json_.KeyBut(names), syntax_.Call(rule));
  }

  /// In the order of the schema; white space at the end of what is there.
  Expr Members(const std::vector<Property>& list, Expr other, bool open) {
    std::vector<Expr> none{syntax_.Empty()};
    Expr some = json_.Space();
    if (open) {
      const Expr more = syntax_.Repeat(syntax_.Sequence({json_.Comma(), other}), 0);
      none.push_back(syntax_.Sequence({other, more, json_.Space()}));
      some = syntax_.Sequence({more, json_.Space()});
    }
    for (size_t i = list.size(); i-- > 0;) {
      const Property& p = list[i];
      const Rule rest = syntax_.AddRule("after property " + p.name);
      syntax_.Define(rest, some);
      const Expr after = syntax_.Call(rest);
      const Expr first = syntax_.Sequence({p.member, after});
      const Expr next = syntax_.Sequence({json_.Comma(), p.member, after});
      if (p.required) none.clear();
      none.push_back(first);
      some = p.required ? next : syntax_.Choice({next, after});
    }
    return syntax_.Choice(none);
  }

  const Json& root_;
  Syntax& syntax_;
  JsonSyntax json_;
  std::unordered_map<const Json*, Rule> references_;
  size_t schemas_ = 0;
  base::Status status_;
};

}  // namespace

base::Result<Expr> ReadSchema(const Json& schema, Syntax* syntax) {
  Json located = schema;
  Locate(&located, "");
  return SchemaReader(located, syntax).Run();
}

}  // namespace zell::grammar
