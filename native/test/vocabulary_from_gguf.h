// A GGUF file's vocabulary as the tokenizer wants it, for tests that have no model.
#pragma once

#include <string>

#include "gguf/file.h"
#include "tokenizer/tokenizer.h"

namespace zell::test {

inline tokenizer::VocabularySpec VocabularyFromGguf(const gguf::File& file) {
  tokenizer::VocabularySpec spec;
  const auto key = [](const char* name) { return std::string("tokenizer.ggml.") + name; };
  spec.model = file.Str(key("model")).value_or("");
  spec.pre = file.Str(key("pre")).value_or("");
  if (const auto* tokens = file.Strings(key("tokens"))) spec.tokens = *tokens;
  if (const auto* merges = file.Strings(key("merges"))) spec.merges = *merges;
  if (const gguf::Value* kinds = file.Find(key("token_type"))) {
    if (const auto* ids = std::get_if<std::vector<int64_t>>(kinds)) {
      for (const int64_t kind : *ids) spec.kinds.push_back(static_cast<tokenizer::TokenKind>(kind));
    }
  }
  const auto id = [&](const char* name) { return static_cast<tokenizer::Token>(file.I64(key(name)).value_or(-1)); };
  spec.bos = id("bos_token_id");
  spec.eos = id("eos_token_id");
  spec.eot = id("eot_token_id");
  spec.eom = id("eom_token_id");
  spec.unknown = id("unknown_token_id");
  spec.padding = id("padding_token_id");
  spec.fim_prefix = id("fim_pre_token_id");
  spec.fim_suffix = id("fim_suf_token_id");
  spec.fim_middle = id("fim_mid_token_id");
  spec.fim_pad = id("fim_pad_token_id");
  spec.fim_repo = id("fim_rep_token_id");
  spec.fim_separator = id("fim_sep_token_id");
  spec.has_add_bos = file.Bool(key("add_bos_token")).has_value();
  spec.add_bos = file.Bool(key("add_bos_token")).value_or(false);
  spec.add_eos = file.Bool(key("add_eos_token")).value_or(false);
  return spec;
}

}  // namespace zell::test
