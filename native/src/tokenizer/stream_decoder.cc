// Joins pieces into whole characters; see StreamDecoder in tokenizer.h.
#include "tokenizer/tokenizer.h"
#include "tokenizer/unicode.h"

namespace zell::tokenizer {
namespace {

constexpr std::string_view kReplacementText = "\xEF\xBF\xBD";

/// Whether `tail` could become a character when more bytes follow: a lead byte and only continuations that fit it.
bool IsIncomplete(std::string_view tail) {
  const size_t length = internal::Utf8Length(static_cast<uint8_t>(tail[0]));
  if (tail.size() >= length) return false;
  // Completing with the extreme continuation bytes shows whether any completion is valid: the constraints beyond
  // "is a continuation" concern only the second byte, and each is a bound from one side.
  for (const char fill : {'\x80', '\xBF'}) {
    std::string whole(tail);
    whole.resize(length, fill);
    if (internal::DecodeUtf8(whole, 0).valid) return true;
  }
  return false;
}

}  // namespace

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool special) : tokenizer_(&tokenizer), special_(special) {}

std::string StreamDecoder::Push(Token token) {
  pending_ += tokenizer_->Piece(token, special_);
  std::string text;
  size_t pos = 0;
  while (pos < pending_.size()) {
    const internal::Utf8Char c = internal::DecodeUtf8(pending_, pos);
    if (!c.valid && IsIncomplete(std::string_view(pending_).substr(pos))) break;
    text += c.valid ? std::string_view(pending_).substr(pos, c.length) : kReplacementText;
    pos += c.length;
  }
  pending_.erase(0, pos);
  return text;
}

std::string StreamDecoder::Flush() {
  std::string text;
  if (!pending_.empty()) text = kReplacementText;
  pending_.clear();
  return text;
}

}  // namespace zell::tokenizer
