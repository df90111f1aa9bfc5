#include "grammar/json.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "grammar/characters.h"

namespace zell::grammar {
namespace {

constexpr size_t kMostValues = 500'000;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  base::Result<Json> Run() {
    Json value = Value(0);
    Space();
    if (status_.ok() && at_ < text_.size()) Fail();
    if (!status_.ok()) return status_;
    return value;
  }

 private:
  void Fail(base::StatusCode code = base::StatusCode::kInvalidRequest,
            const char* what = "the JSON is not well formed") {
    if (status_.ok()) status_ = {code, what};
    at_ = text_.size();
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool Take(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  void Space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  Json Value(int depth) {
    Space();
    Json value;
    if (++values_ > kMostValues) Fail(base::StatusCode::kTooLarge, "the JSON holds too many values");
    if (depth > kMostJsonDepth) Fail(base::StatusCode::kTooLarge, "the JSON is nested too deeply");
    if (!status_.ok()) return value;
    if (Take("null")) return value;
    if (Take("true")) return Json::Of(true);
    if (Take("false")) return Json::Of(false);
    if (Peek() == '"') return Json::String(String());
    if (Take("[")) {
      value.type = Json::Type::kArray;
      Space();
      if (Take("]")) return value;
      do {
        value.items.push_back(Value(depth + 1));
        Space();
      } while (status_.ok() && Take(","));
      if (!Take("]")) Fail();
      return value;
    }
    if (Take("{")) {
      value.type = Json::Type::kObject;
      Space();
      if (Take("}")) return value;
      do {
        Space();
        std::string name = String();
        Space();
        if (!Take(":")) Fail();
        value.members.emplace_back(std::move(name), Value(depth + 1));
        Space();
      } while (status_.ok() && Take(","));
      if (!Take("}")) Fail();
      return value;
    }
    return Number();
  }

  Json Number() {
    const size_t begin = at_;
    const auto digits = [&] {
      const size_t before = at_;
      while (Peek() >= '0' && Peek() <= '9') ++at_;
      if (at_ == before) Fail();
    };
    Take("-");
    if (!Take("0")) digits();
    if (Take(".")) digits();
    if (Take("e") || Take("E")) {
      if (!Take("+")) Take("-");
      digits();
    }
    if (!status_.ok()) return {};
    return Json::Number(std::string(text_.substr(begin, at_ - begin)));
  }

  uint32_t Hex4() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = Peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) {
        Fail();
        return 0;
      }
      value = value * 16 + static_cast<uint32_t>(digit);
      ++at_;
    }
    return value;
  }

  void Escape(std::string* out) {
    constexpr std::string_view kNames = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    const char c = Peek();
    ++at_;
    if (const size_t i = kNames.find(c); c != '\0' && i != std::string_view::npos) {
      out->push_back(kMeanings[i]);
      return;
    }
    if (c != 'u') return Fail();
    uint32_t code = Hex4();
    if (code >= 0xD800 && code <= 0xDBFF && Take("\\u")) {
      const uint32_t low = Hex4();
      code = low >= 0xDC00 && low <= 0xDFFF ? 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
    }
    AppendUtf8(code >= 0xD800 && code <= 0xDFFF ? 0xFFFD : code, out);
  }

  std::string String() {
    std::string out;
    if (!Take("\"")) Fail();
    while (status_.ok()) {
      if (at_ >= text_.size() || static_cast<uint8_t>(Peek()) < 0x20) {
        Fail();
      } else if (Take("\"")) {
        break;
      } else if (Take("\\")) {
        Escape(&out);
      } else {
        out.push_back(text_[at_++]);
      }
    }
    return out;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t values_ = 0;
  base::Status status_;
};

}  // namespace

const Json* Json::Find(std::string_view name) const {
  const auto it = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.first == name; });
  return it == members.end() ? nullptr : &it->second;
}

void Json::Set(std::string_view name, Json value) {
  if (Json* known = Find(name)) {
    *known = std::move(value);
  } else {
    members.emplace_back(std::string(name), std::move(value));
  }
}

void Json::Remove(std::string_view name) {
  std::erase_if(members, [&](const auto& member) { return member.first == name; });
}

bool Json::operator==(const Json& other) const {
  if (type != other.type || members.size() != other.members.size()) return false;
  if (type == Type::kNumber) return std::strtod(text.c_str(), nullptr) == std::strtod(other.text.c_str(), nullptr);
  return text == other.text && items == other.items && std::ranges::all_of(members, [&](const auto& member) {
           const Json* value = other.Find(member.first);
           return value != nullptr && *value == member.second;
         });
}

base::Result<Json> ParseJson(std::string_view text) {
  if (text.size() > kMostJsonBytes) return base::Status{base::StatusCode::kTooLarge, "the JSON is longer than 4 MiB"};
  return Parser(text).Run();
}

void Locate(Json* value, const std::string& pointer) {
  if (value->IsObject()) value->at = pointer;
  for (size_t i = 0; i < value->items.size(); ++i) Locate(&value->items[i], pointer + "/" + std::to_string(i));
  for (auto& [name, member] : value->members) {
    std::string step = "/";
    for (const char c : name) {
      if (c == '~' || c == '/') {
        step += c == '~' ? "~0" : "~1";
      } else {
        step.push_back(c);
      }
    }
    Locate(&member, pointer + step);
  }
}

const Json* At(const Json& root, std::string_view pointer) {
  const Json* value = &root;
  while (!pointer.empty() && value != nullptr) {
    if (pointer[0] != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::string_view step = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(step.size());
    std::string name;
    for (size_t i = 0; i < step.size(); ++i) {
      unsigned code = 0;
      if (step[i] == '%' && i + 2 < step.size() &&
          std::from_chars(step.data() + i + 1, step.data() + i + 3, code, 16).ptr == step.data() + i + 3) {
        name.push_back(static_cast<char>(code));
        i += 2;
      } else if (step[i] == '~' && i + 1 < step.size()) {
        name.push_back(step[++i] == '0' ? '~' : '/');
      } else {
        name.push_back(step[i]);
      }
    }
    if (value->IsArray()) {
      size_t index = 0;
      const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), index);
      const bool known = error == std::errc() && stop == name.data() + name.size() && index < value->items.size();
      value = known ? &value->items[index] : nullptr;
    } else {
      value = value->Find(name);
    }
  }
  return value;
}

std::string Quoted(std::string_view text) {
  constexpr std::string_view kMeanings = "\"\\\b\f\n\r\t", kNames = "\"\\bfnrt";
  std::string out = "\"";
  for (const char c : text) {
    const size_t i = kMeanings.find(c);
    if (i != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(kNames[i]);
    } else if (static_cast<uint8_t>(c) < 0x20) {
      constexpr char kDigits[] = "0123456789abcdef";
      out += "\\u00";
      out.push_back(kDigits[c >> 4]);
      out.push_back(kDigits[c & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
  return out;
}

}  // namespace zell::grammar
