// llama.cpp's grammar notation.
#pragma once

#include <string_view>

#include "base/status.h"
#include "grammar/syntax.h"
#include "grammar/vocabulary.h"

namespace zell::grammar {

/// Longest grammar that is read.
constexpr size_t kMostGbnfBytes = size_t{1} << 20;

/// Adds the rules of a grammar, which keep their names to themselves. vocabulary: for tokens that it names.
/// @returns its rule `root`
/// @errors kInvalidRequest with line and column; kTooLarge.
base::Result<Rule> ParseGbnf(std::string_view text, const Vocabulary& vocabulary, Syntax* syntax);

}  // namespace zell::grammar
