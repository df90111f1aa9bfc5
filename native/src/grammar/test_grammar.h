// Small vocabularies and ways to ask a grammar for tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/gbnf.h"
#include "grammar/matcher.h"

namespace zell::grammar {

/// The 256 bytes, then some longer texts, then `<go>`, a control token, and the end of an answer.
struct TestVocabulary {
  static constexpr int32_t kLonger = 256;
  std::vector<std::string> texts;
  int32_t control, end;
  std::shared_ptr<const Vocabulary> vocabulary;

  explicit TestVocabulary(std::vector<std::string> longer = {}) {
    for (int byte = 0; byte < 256; ++byte) texts.push_back(std::string(1, static_cast<char>(byte)));
    for (std::string& text : longer) texts.push_back(std::move(text));
    control = static_cast<int32_t>(texts.size());
    end = control + 1;
    texts.resize(texts.size() + 2);
    std::vector<std::string> names(texts.size());
    names[static_cast<size_t>(control)] = "<go>";
    vocabulary = std::make_shared<Vocabulary>(texts, names, std::vector<int32_t>{end});
  }
};

inline base::Result<std::shared_ptr<SharedStates>> MakeGbnf(std::string_view grammar,
                                                            std::shared_ptr<const Vocabulary> vocabulary,
                                                            const std::vector<std::string>& triggers = {},
                                                            bool repeat = false) {
  Syntax syntax;
  const base::Result<Rule> root = ParseGbnf(grammar, *vocabulary, &syntax);
  if (!root.ok()) return root.status();
  base::Result<Automaton> automaton = Compile(syntax, *root);
  if (!automaton.ok()) return automaton.status();
  auto program = std::make_shared<Program>();
  program->automaton = std::move(*automaton);
  program->vocabulary = std::move(vocabulary);
  if (!triggers.empty()) program->triggers = std::make_unique<Triggers>(triggers);
  program->repeat = repeat;
  return std::make_shared<SharedStates>(std::move(program));
}

/// Whether a text is one of the grammar's, byte by byte.
inline bool Matches(SharedStates& shared, std::string_view text) {
  StateId state = shared.table->start();
  for (const char c : text) state = shared.table->Next(state, static_cast<uint8_t>(c));
  return shared.table->MayEnd(state);
}

}  // namespace zell::grammar
