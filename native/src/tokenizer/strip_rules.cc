// The models that are known by their names, as llama.cpp knows them.
#include "tokenizer/strip_rules.h"

#include <algorithm>
#include <initializer_list>

namespace zell::tokenizer::internal {
namespace {

bool ContainsAny(std::string_view text, std::initializer_list<std::string_view> wanted) {
  return std::any_of(wanted.begin(), wanted.end(),
                     [&](std::string_view part) { return text.find(part) != std::string_view::npos; });
}

}  // namespace

StripRule StripRuleOf(const VocabularySpec& spec, size_t token) {
  const std::string_view text = spec.tokens[token];
  if (ContainsAny(spec.pre, {"jina-v2-de", "jina-v2-es", "jina-v2-code"}) ||
      ContainsAny(spec.architecture, {"nomic-bert-moe", "jina-bert-v3"})) {
    return {.left = text == "<mask>"};
  }
  std::string name = spec.name;
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (ContainsAny(name, {"phi-3", "phi3"})) {
    return {.right = text != "<unk>" && text != "<s>" && text != "<|endoftext|>"};
  }
  if (ContainsAny(name, {"modern-bert"})) return {.left = text == "[MASK]"};
  return {};
}

}  // namespace zell::tokenizer::internal
