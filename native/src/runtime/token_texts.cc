#include "runtime/token_texts.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace zell::runtime {
namespace {

using tokenizer::Tokenizer;

class TokenizerTexts final : public sampling::TokenTexts {
 public:
  explicit TokenizerTexts(std::shared_ptr<const Tokenizer> tokenizer) : tokenizer_(std::move(tokenizer)) {}

  std::string Piece(int32_t token) const override { return tokenizer_->Piece(token, false); }

  bool EndsGeneration(int32_t token) const override {
    const auto ends = tokenizer_->EndOfGeneration();
    return std::binary_search(ends.begin(), ends.end(), token);
  }

  int32_t End() const override {
    const tokenizer::VocabularySpec& spec = tokenizer_->spec();
    return spec.eot >= 0 ? spec.eot : spec.eos;
  }

 private:
  std::shared_ptr<const Tokenizer> tokenizer_;
};

void Add(sampling::SequenceBreakers& breakers, int32_t head, const std::vector<int32_t>& rest) {
  const auto [begin, end] = breakers.equal_range(head);
  if (std::none_of(begin, end, [&](const auto& known) { return known.second == rest; })) breakers.emplace(head, rest);
}

}  // namespace

std::shared_ptr<const sampling::TokenTexts> TextsOf(std::shared_ptr<const Tokenizer> tokenizer) {
  return std::make_shared<TokenizerTexts>(std::move(tokenizer));
}

sampling::SequenceBreakers BreakersOf(const Tokenizer& tokenizer, std::span<const std::string> texts) {
  constexpr size_t kMostBytes = 40, kMostRest = 20;
  struct Breaker {
    std::string_view text;
    std::vector<std::vector<int32_t>> rests;  ///< [bytes that a token has of it] → tokens of the others
  };
  std::vector<Breaker> wanted;
  for (const std::string& whole : texts) {
    Breaker breaker{std::string_view(whole).substr(0, kMostBytes), {}};
    for (size_t n = 0; n < breaker.text.size(); ++n) {
      std::vector<int32_t> rest = tokenizer.Encode(breaker.text.substr(n), false);
      rest.resize(std::min(rest.size(), kMostRest));
      breaker.rests.push_back(std::move(rest));
    }
    if (!breaker.text.empty()) wanted.push_back(std::move(breaker));
  }
  sampling::SequenceBreakers breakers;
  for (size_t i = 0; i < tokenizer.size(); ++i) {
    const int32_t token = static_cast<int32_t>(i);
    const std::string piece = tokenizer.Piece(token, true);
    for (const Breaker& breaker : wanted) {
      if (piece.find(breaker.text) != std::string::npos) {
        Add(breakers, token, {});
        continue;
      }
      for (size_t n = std::min(piece.size(), breaker.text.size() - 1); n > 0; --n) {
        if (piece.ends_with(breaker.text.substr(0, n))) Add(breakers, token, breaker.rests[n]);
      }
    }
  }
  return breakers;
}

}  // namespace zell::runtime
