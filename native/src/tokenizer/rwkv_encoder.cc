// RWKV "world": at every place the longest token.
#include "tokenizer/byte_trie.h"
#include "tokenizer/pieces.h"
#include "tokenizer/text_encoder.h"

namespace zell::tokenizer::internal {
namespace {

class RwkvEncoder final : public TextEncoder {
 public:
  explicit RwkvEncoder(const Vocabulary& vocabulary) : unknown_(vocabulary.spec.unknown) {
    const VocabularySpec& spec = vocabulary.spec;
    std::vector<std::string> texts(spec.tokens.size());
    std::vector<ByteTrie::Entry> entries;
    for (size_t i = 0; i < spec.tokens.size(); ++i) {
      if (NeedsParseSpecial(spec.kinds[i])) continue;
      texts[i] = Unescape(spec.tokens[i]);
      entries.push_back({texts[i], static_cast<Token>(i)});
    }
    trie_ = ByteTrie(std::move(entries));
  }

  std::unique_ptr<Session> NewSession(size_t) const override { return std::make_unique<RwkvSession>(*this); }

 private:
  class RwkvSession final : public Session {
   public:
    explicit RwkvSession(const RwkvEncoder& encoder) : encoder_(encoder) {}
    void Encode(std::string_view text, bool, std::vector<Token>* tokens) override {
      while (!text.empty()) {
        const ByteTrie::Match match = encoder_.trie_.Longest(text);
        const Token token = match.token >= 0 ? match.token : encoder_.unknown_;
        if (token >= 0) tokens->push_back(token);
        text.remove_prefix(match.token >= 0 ? match.length : 1);
      }
    }

   private:
    const RwkvEncoder& encoder_;
  };

  ByteTrie trie_;
  const Token unknown_;
};

}  // namespace

base::Result<std::unique_ptr<TextEncoder>> MakeRwkvEncoder(const Vocabulary& vocabulary) {
  return std::unique_ptr<TextEncoder>(std::make_unique<RwkvEncoder>(vocabulary));
}

}  // namespace zell::tokenizer::internal
