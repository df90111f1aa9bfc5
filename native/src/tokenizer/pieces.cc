// Decodes each token once, into one block of memory.
#include "tokenizer/pieces.h"

#include <charconv>

#include "tokenizer/byte_alphabet.h"

namespace zell::tokenizer::internal {
namespace {

/// The byte of `<0xNN>`; nullopt for anything else.
std::optional<char> ParseByteToken(std::string_view text) {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
  if (error != std::errc() || end != text.data() + 5) return std::nullopt;
  return static_cast<char>(value);
}

std::string PieceOf(const std::string& text, TokenKind kind) {
  switch (kind) {
    case TokenKind::kUndefined:
    case TokenKind::kUnused:
      return {};
    case TokenKind::kUnknown:
    case TokenKind::kControl:
    case TokenKind::kUserDefined:
      return text;
    case TokenKind::kByte:
      if (const std::optional<char> byte = ParseByteToken(text)) return std::string(1, *byte);
      break;
    case TokenKind::kNormal:
      break;
  }
  return DecodeSpelling(text).value_or(text);
}

}  // namespace

Pieces::Pieces(const VocabularySpec& spec) {
  starts_.reserve(spec.tokens.size() + 1);
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    arena_ += PieceOf(spec.tokens[i], spec.kinds[i]);
    starts_.push_back(arena_.size());
  }
}

}  // namespace zell::tokenizer::internal
