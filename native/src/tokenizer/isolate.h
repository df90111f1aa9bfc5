// The walk of a stage that makes words of its matches and leaves what lies between them to the next stage.
#pragma once

#include <vector>

#include "tokenizer/char_reader.h"

namespace zell::tokenizer::internal {

/// `match(reader, pos)` gives the end of the match that starts at pos, or pos when none does. Between matches the
/// characters stay together.
template <typename Match>
void Isolate(std::string_view text, size_t begin, std::vector<uint32_t>* ends, Match match) {
  const CharReader reader(text);
  size_t gap = begin;
  for (size_t pos = begin; pos < text.size();) {
    const size_t end = match(reader, pos);
    if (end == pos) {
      pos += reader.At(pos).length;
      continue;
    }
    if (pos > gap) ends->push_back(static_cast<uint32_t>(pos));
    ends->push_back(static_cast<uint32_t>(end));
    gap = pos = end;
  }
  if (text.size() > gap) ends->push_back(static_cast<uint32_t>(text.size()));
}

}  // namespace zell::tokenizer::internal
