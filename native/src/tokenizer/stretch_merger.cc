// A heap of numbers: whether the pair behind one is still there is told by the pair's own number.
#include "tokenizer/stretch_merger.h"

#include <algorithm>
#include <bit>

namespace zell::tokenizer::internal {
namespace {

/// Orders like the score does; never 0.
uint32_t OrderOf(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0F);  // -0 is 0
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000;
}

}  // namespace

Token StretchMerger::SymbolOf(uint32_t left, uint32_t bytes) const {
  for (const Standing& standing : stretch_->At(left)) {
    if (standing.bytes == bytes) return standing.token;
  }
  return -1;
}

void StretchMerger::Offer(uint32_t left, bool push) {
  pairs_[left] = kNoPair;
  if (next_[left] == kNone) return;
  const Token symbol = SymbolOf(left, bytes_[left] + bytes_[next_[left]]);
  if (symbol < 0) return;
  pairs_[left] = Key{OrderOf((*scores_)[static_cast<size_t>(symbol)])} << 32 | (kNone - left);
  heap_.push_back(pairs_[left]);
  if (push) std::push_heap(heap_.begin(), heap_.end());
}

const std::vector<StretchMerger::Piece>& StretchMerger::Run(const Borders& stretch) {
  stretch_ = &stretch;
  const auto starts = stretch.starts();
  const auto n = static_cast<uint32_t>(starts.size() - 1);
  bytes_.resize(n);
  next_.resize(n);
  previous_.resize(n);
  pairs_.resize(n);
  heap_.clear();
  for (uint32_t i = 0; i < n; ++i) {
    bytes_[i] = starts[i + 1] - starts[i];
    previous_[i] = i == 0 ? kNone : i - 1;
    next_[i] = i + 1 == n ? kNone : i + 1;
  }
  for (uint32_t i = 0; i < n; ++i) Offer(i, false);
  std::make_heap(heap_.begin(), heap_.end());
  while (!heap_.empty()) {
    const Key best = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    const uint32_t left = kNone - static_cast<uint32_t>(best);
    if (pairs_[left] != best) continue;
    const uint32_t right = next_[left];
    bytes_[left] += bytes_[right];
    next_[left] = next_[right];
    if (next_[left] != kNone) previous_[next_[left]] = left;
    pairs_[right] = kNoPair;
    Offer(left, true);
    if (previous_[left] != kNone) Offer(previous_[left], true);
  }
  pieces_.clear();
  for (uint32_t i = 0; i != kNone; i = next_[i]) pieces_.push_back({starts[i], bytes_[i], SymbolOf(i, bytes_[i])});
  return pieces_;
}

}  // namespace zell::tokenizer::internal
