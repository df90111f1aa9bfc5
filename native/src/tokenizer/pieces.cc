// Spellings of tokens, decoded when they are asked for: few ever are.
#include "tokenizer/pieces.h"

#include <charconv>

#include "tokenizer/byte_alphabet.h"

namespace zell::tokenizer::internal {

std::optional<char> ParseByteToken(std::string_view text) {
  if (text.size() != 6 || text.substr(0, 3) != "<0x" || text[5] != '>') return std::nullopt;
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data() + 3, text.data() + 5, value, 16);
  if (error != std::errc() || end != text.data() + 5) return std::nullopt;
  return static_cast<char>(value);
}

std::string Unescape(std::string_view text) {
  std::string bytes;
  const auto digit = [](char c) { return c >= 'a' ? c - 'a' + 10 : c - '0'; };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      if (text[i] != '\\') bytes.push_back(text[i]);
      continue;
    }
    const char c = text[++i];
    if (c == 'x') {
      if (i + 2 < text.size()) bytes.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
      continue;
    }
    bytes.push_back(c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c);
  }
  return bytes;
}

void AppendReplaced(std::string_view text, std::string_view from, std::string_view to, std::string* out) {
  size_t done = 0;
  for (size_t at = text.find(from); at != std::string_view::npos; at = text.find(from, done)) {
    out->append(text.substr(done, at - done));
    out->append(to);
    done = at + from.size();
  }
  out->append(text.substr(done));
}

namespace {

std::string Respelled(const Vocabulary& vocabulary, std::string_view text) {
  if (vocabulary.algorithm == Algorithm::kPlamo2) return std::string(text);
  const bool bpe = vocabulary.algorithm == Algorithm::kBpe;
  if (bpe && vocabulary.pretokenizer->spelling != Spelling::kEscapedSpaces) {
    return DecodeSpelling(text).value_or(std::string(text));
  }
  std::string piece;
  AppendReplaced(text, kSpaceMark, " ", &piece);
  return piece;
}

}  // namespace

std::string PieceOf(const Vocabulary& vocabulary, size_t token) {
  const std::string_view text = vocabulary.spec.tokens[token];
  if (vocabulary.algorithm == Algorithm::kRwkv) return Unescape(text);
  switch (vocabulary.spec.kinds[token]) {
    case TokenKind::kUndefined:
    case TokenKind::kUnused:
      return vocabulary.algorithm == Algorithm::kPlamo2 ? std::string(text) : std::string();
    case TokenKind::kUnknown:
    case TokenKind::kControl:
    case TokenKind::kUserDefined:
      return std::string(text);
    case TokenKind::kByte:
      if (const std::optional<char> byte = ParseByteToken(text)) return std::string(1, *byte);
      break;
    case TokenKind::kNormal:
      break;
  }
  return Respelled(vocabulary, text);
}

}  // namespace zell::tokenizer::internal
