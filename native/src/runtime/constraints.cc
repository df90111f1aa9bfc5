#include "runtime/constraints.h"

#include "grammar/constraint.h"

namespace zell::runtime {
namespace {

/// Each takes a megabyte or some; their tables of states end at about a hundred.
constexpr size_t kMostEntries = 16;

std::shared_ptr<const grammar::Vocabulary> VocabularyOf(const tokenizer::Tokenizer& tokenizer) {
  std::vector<std::string> texts(tokenizer.size()), names(tokenizer.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto token = static_cast<tokenizer::Token>(i);
    texts[i] = tokenizer.Piece(token, false);
    if (tokenizer.IsControl(token)) names[i] = tokenizer.Piece(token, true);
  }
  const auto ends = tokenizer.EndOfGeneration();
  return std::make_shared<const grammar::Vocabulary>(std::move(texts), std::move(names),
                                                     std::vector<int32_t>(ends.begin(), ends.end()));
}

class Filter final : public sampling::TokenFilter {
 public:
  explicit Filter(std::shared_ptr<grammar::SharedStates> states) : matcher_(std::move(states)) {}
  bool Allows(int32_t token) override { return matcher_.Allows(token); }
  std::span<const uint64_t> Mask() override { return matcher_.Mask(); }
  void Accept(int32_t token) override { matcher_.Accept(token); }
  base::Status status() const override { return matcher_.status(); }

 private:
  grammar::Matcher matcher_;
};

}  // namespace

base::Result<std::shared_ptr<grammar::SharedStates>> Constraints::Get(const std::string& constraint) {
  const std::lock_guard lock(mutex_);
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    if (it->text != constraint) continue;
    entries_.splice(entries_.begin(), entries_, it);
    return entries_.front().states;
  }
  if (vocabulary_ == nullptr) vocabulary_ = VocabularyOf(*tokenizer_);
  base::Result<std::shared_ptr<grammar::SharedStates>> states = grammar::CompileConstraint(constraint, vocabulary_);
  if (!states.ok()) return states.status();
  entries_.push_front({constraint, *states});
  if (entries_.size() > kMostEntries) entries_.pop_back();
  return states;
}

base::Result<std::unique_ptr<sampling::TokenFilter>> Constraints::Filter(const std::string& constraint) {
  base::Result<std::shared_ptr<grammar::SharedStates>> states = Get(constraint);
  if (!states.ok()) return states.status();
  return std::unique_ptr<sampling::TokenFilter>(std::make_unique<runtime::Filter>(std::move(*states)));
}

}  // namespace zell::runtime
