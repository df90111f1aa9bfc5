// What samplers need to know of a vocabulary.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "sampling/params.h"
#include "tokenizer/tokenizer.h"

namespace zell::runtime {

/// Any thread; keeps the tokenizer alive.
std::shared_ptr<const sampling::TokenTexts> TextsOf(std::shared_ptr<const tokenizer::Tokenizer> tokenizer);

/// All ways in which tokens can spell one of `texts`: a token that contains it, or one that ends with its beginning,
/// followed by the tokens of the rest. Of each text the first 40 bytes, of a rest the first 20 tokens. Looks at every
/// token: milliseconds.
sampling::SequenceBreakers BreakersOf(const tokenizer::Tokenizer& tokenizer, std::span<const std::string> texts);

}  // namespace zell::runtime
