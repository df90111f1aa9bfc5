#include "grammar/constraint.h"

#include <charconv>

#include "grammar/gbnf.h"
#include "grammar/json.h"
#include "grammar/schema.h"

namespace zell::grammar {
namespace {

constexpr size_t kMostTriggers = 256, kMostTriggerBytes = 4096;
constexpr int kMostFormDepth = 8;

base::Status Invalid(std::string message) { return {base::StatusCode::kInvalidRequest, std::move(message)}; }

std::string_view TextOf(const Json& object, std::string_view name) {
  const Json* value = object.Find(name);
  return value != nullptr && value->IsString() ? std::string_view(value->text) : std::string_view();
}

class Reader {
 public:
  Reader(const Vocabulary& vocabulary, Syntax* syntax) : vocabulary_(vocabulary), syntax_(*syntax) {}

  base::Result<Expr> Form(const Json& form, int depth) {
    const std::string_view kind = TextOf(form, "kind");
    if (depth > kMostFormDepth) return Invalid("the constraint is nested too deeply");
    if (kind == "gbnf") {
      const Json* grammar = form.Find("grammar");
      if (grammar == nullptr || !grammar->IsString()) return Invalid("a grammar must be a text");
      const base::Result<Rule> root = ParseGbnf(grammar->text, vocabulary_, &syntax_);
      if (!root.ok()) return root.status();
      return syntax_.Call(*root);
    }
    if (kind == "json_schema") {
      const Json* schema = form.Find("schema");
      if (schema == nullptr) return Invalid("a JSON schema is missing");
      const base::Result<Expr> value = ReadSchema(*schema, &syntax_);
      if (!value.ok()) return value.status();
      return syntax_.Sequence({Literal(TextOf(form, "prefix")), *value, Literal(TextOf(form, "suffix"))});
    }
    if (kind == "any_of") return AnyOf(form, depth);
    if (kind == "list") return List(form, depth);
    return Invalid("a constraint of this kind is not known");
  }

 private:
  base::Result<Expr> AnyOf(const Json& form, int depth) {
    const Json* forms = form.Find("forms");
    if (forms == nullptr || !forms->IsArray() || forms->items.empty()) return Invalid("any_of needs forms");
    std::vector<Expr> choices;
    for (const Json& item : forms->items) {
      const base::Result<Expr> choice = Form(item, depth + 1);
      if (!choice.ok()) return choice.status();
      choices.push_back(*choice);
    }
    return syntax_.Choice(choices);
  }

  base::Result<Expr> List(const Json& form, int depth) {
    const Json* item = form.Find("form");
    if (item == nullptr) return Invalid("a list needs a form");
    const uint32_t least = Count(form.Find("least"), 0), most = Count(form.Find("most"), kNoLimit);
    if (most < least) return Invalid("a list of at most " + std::to_string(most) + " cannot hold more");
    const base::Result<Expr> one = Form(*item, depth + 1);
    if (!one.ok()) return one.status();
    if (most == 0) return syntax_.Empty();
    const Expr more = syntax_.Repeat(syntax_.Sequence({Literal(TextOf(form, "separator")), *one}),
                                     least > 0 ? least - 1 : 0, most == kNoLimit ? kNoLimit : most - 1);
    const Expr all = syntax_.Sequence({*one, more});
    return least == 0 ? syntax_.Optional(all) : all;
  }

  static uint32_t Count(const Json* value, uint32_t absent) {
    if (value == nullptr || !value->IsNumber()) return absent;
    uint32_t count = 0;
    const auto [stop, error] = std::from_chars(value->text.data(), value->text.data() + value->text.size(), count);
    return error == std::errc() ? std::min(count, kMostRepeats) : absent;
  }

  /// Text in which names of control tokens mean these.
  Expr Literal(std::string_view text) {
    std::vector<Expr> parts;
    std::string plain;
    const auto end_plain = [&] {
      if (!plain.empty()) parts.push_back(syntax_.Bytes(plain));
      plain.clear();
    };
    while (!text.empty()) {
      const std::optional<int32_t> control = vocabulary_.ControlAt(text);
      if (!control) {
        plain.push_back(text[0]);
        text.remove_prefix(1);
        continue;
      }
      end_plain();
      // Where the form is complete the answer may end anyway.
      if (!vocabulary_.Ends(*control)) parts.push_back(syntax_.Token(*control, false));
      text.remove_prefix(vocabulary_.name(*control).size());
    }
    end_plain();
    return syntax_.Sequence(parts);
  }

  const Vocabulary& vocabulary_;
  Syntax& syntax_;
};

base::Result<std::vector<std::string>> TriggersOf(const Json& constraint) {
  std::vector<std::string> triggers;
  const Json* lazy = constraint.Find("lazy");
  if (lazy == nullptr) return triggers;
  size_t bytes = 0;
  for (const Json& text : lazy->items) {
    if (!text.IsString() || text.text.empty()) return Invalid("a text that begins a constraint is empty");
    triggers.push_back(text.text);
    bytes += text.text.size();
  }
  if (triggers.empty()) return Invalid("a lazy constraint needs texts that begin it");
  if (triggers.size() > kMostTriggers || bytes > kMostTriggerBytes) {
    return Invalid("the texts that begin the constraint are too many or too long");
  }
  return triggers;
}

}  // namespace

base::Result<std::shared_ptr<SharedStates>> CompileConstraint(std::string_view json,
                                                              std::shared_ptr<const Vocabulary> vocabulary) {
  const base::Result<Json> constraint = ParseJson(json);
  if (!constraint.ok()) return constraint.status();
  if (!constraint->IsObject()) return Invalid("a constraint must be an object");
  const base::Result<std::vector<std::string>> triggers = TriggersOf(*constraint);
  if (!triggers.ok()) return triggers.status();
  Syntax syntax;
  const Rule root = syntax.AddRule("the constraint");
  const base::Result<Expr> form = Reader(*vocabulary, &syntax).Form(*constraint, 0);
  if (!form.ok()) return form.status();
  syntax.Define(root, *form);
  base::Result<Automaton> automaton = Compile(syntax, root);
  if (!automaton.ok()) return automaton.status();
  auto program = std::make_shared<Program>();
  program->automaton = std::move(*automaton);
  program->vocabulary = std::move(vocabulary);
  if (!triggers->empty()) program->triggers = std::make_unique<Triggers>(*triggers);
  const Json* repeat = constraint->Find("repeat");
  program->repeat = repeat != nullptr && repeat->type == Json::Type::kTrue;
  auto shared = std::make_shared<SharedStates>(std::move(program));
  if (!shared->table->status().ok()) return shared->table->status();
  return shared;
}

}  // namespace zell::grammar
