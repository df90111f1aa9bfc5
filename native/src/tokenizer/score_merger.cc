// By scan for short words, by heap and linked list for long ones.
#include "tokenizer/score_merger.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "tokenizer/space_marks.h"

namespace zell::tokenizer::internal {
namespace {

constexpr float kNoScore = -std::numeric_limits<float>::infinity();
constexpr uint32_t kNone = 0xFFFFFFFF;
/// Up to here scanning beats the heap, although it is quadratic.
constexpr size_t kShortWord = 32;

}  // namespace

float ScoreMerger::ScoreOf(uint32_t begin, uint32_t end) const {
  const Symbol symbol = symbols_->Find(word_.substr(begin, end - begin));
  return symbol < scores_->size() ? (*scores_)[symbol] : kNoScore;
}

const std::vector<uint32_t>& ScoreMerger::Run(std::string_view word) {
  word_ = word;
  ends_.clear();
  for (size_t pos = 0; pos < word.size();) {
    pos = std::min(pos + StepOf(word[pos]), word.size());
    ends_.push_back(static_cast<uint32_t>(pos));
  }
  if (ends_.size() <= kShortWord) {
    RunShort();
  } else {
    RunLong();
  }
  return ends_;
}

// pair_scores_[i] is the score of pieces i and i + 1 together.
void ScoreMerger::RunShort() {
  const auto score = [&](size_t i) {
    if (i + 1 >= ends_.size()) return kNoScore;
    return ScoreOf(i == 0 ? 0 : ends_[i - 1], ends_[i + 1]);
  };
  pair_scores_.resize(ends_.size());
  for (size_t i = 0; i < ends_.size(); ++i) pair_scores_[i] = score(i);
  while (ends_.size() > 1) {
    const auto best = std::max_element(pair_scores_.begin(), pair_scores_.end());
    if (*best == kNoScore) return;
    const auto i = best - pair_scores_.begin();
    ends_.erase(ends_.begin() + i);
    pair_scores_.erase(best);
    pair_scores_[static_cast<size_t>(i)] = score(static_cast<size_t>(i));
    if (i > 0) pair_scores_[static_cast<size_t>(i) - 1] = score(static_cast<size_t>(i) - 1);
  }
}

void ScoreMerger::Push(uint32_t left, uint32_t right) {
  if (left == kNone || right == kNone) return;
  const uint32_t bytes = lengths_[left] + lengths_[right];
  const float score = ScoreOf(starts_[left], starts_[left] + bytes);
  if (score != kNoScore) heap_.push_back({score, left, right, bytes});
}

// A piece of length 0 was merged into one before it.
void ScoreMerger::RunLong() {
  const auto worse = [](const Pending& a, const Pending& b) {
    return a.score != b.score ? a.score < b.score : a.left > b.left;
  };
  const auto n = static_cast<uint32_t>(ends_.size());
  starts_.resize(n);
  lengths_.resize(n);
  next_.resize(n);
  previous_.resize(n);
  for (uint32_t i = 0; i < n; ++i) {
    starts_[i] = i == 0 ? 0 : ends_[i - 1];
    lengths_[i] = ends_[i] - starts_[i];
    previous_[i] = i == 0 ? kNone : i - 1;
    next_[i] = i + 1 == n ? kNone : i + 1;
  }
  heap_.clear();
  for (uint32_t i = 0; i + 1 < n; ++i) Push(i, i + 1);
  std::make_heap(heap_.begin(), heap_.end(), worse);
  while (!heap_.empty()) {
    const Pending best = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), worse);
    heap_.pop_back();
    const uint32_t left = best.left, right = best.right;
    if (lengths_[left] == 0 || lengths_[right] == 0 || lengths_[left] + lengths_[right] != best.bytes) continue;
    lengths_[left] += lengths_[right];
    lengths_[right] = 0;
    next_[left] = next_[right];
    if (next_[left] != kNone) previous_[next_[left]] = left;
    for (const auto& [a, b] : {std::pair(previous_[left], left), std::pair(left, next_[left])}) {
      const size_t before = heap_.size();
      Push(a, b);
      if (heap_.size() > before) std::push_heap(heap_.begin(), heap_.end(), worse);
    }
  }
  ends_.clear();
  for (uint32_t i = 0; i != kNone; i = next_[i]) ends_.push_back(starts_[i] + lengths_[i]);
}

}  // namespace zell::tokenizer::internal
