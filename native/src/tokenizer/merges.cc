// The rank table, and merging by scan (short words) or by heap and linked list (long ones).
#include "tokenizer/merges.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace zell::tokenizer::internal {
namespace {

constexpr uint32_t kNoRank = 0xFFFFFFFF;
constexpr uint32_t kNone = 0xFFFFFFFF;
/// Up to here scanning all ranks for the lowest beats the heap, although it is quadratic.
constexpr size_t kShortWord = 48;

}  // namespace

MergeTable::MergeTable(size_t expected) : slots_(std::bit_ceil(expected * 4 / 3 + 2)), mask_(slots_.size() - 1) {}

void MergeTable::Add(Symbol left, Symbol right, Merge merge) {
  const uint64_t key = Key(left, right);
  size_t i = Home(key);
  while (slots_[i].key != kEmpty) {
    if (slots_[i].key == key) return;
    i = (i + 1) & mask_;
  }
  slots_[i] = {key, merge};
}

const std::vector<Symbol>& WordMerger::Run(std::string_view word) {
  symbols_.resize(word.size());
  for (size_t i = 0; i < word.size(); ++i) symbols_[i] = static_cast<uint8_t>(word[i]);
  return RunAny();
}

const std::vector<Symbol>& WordMerger::Run(std::span<const Symbol> symbols) {
  symbols_.assign(symbols.begin(), symbols.end());
  return RunAny();
}

const std::vector<Symbol>& WordMerger::RunAny() {
  if (symbols_.size() <= kShortWord) {
    RunShort();
  } else {
    RunLong();
  }
  return symbols_;
}

// ranks_[i] is the rank of symbols i and i + 1.
void WordMerger::RunShort() {
  const auto rank = [&](size_t i) -> uint32_t {
    if (i + 1 >= symbols_.size()) return kNoRank;
    const Merge* merge = merges_->Find(symbols_[i], symbols_[i + 1]);
    return merge ? merge->rank : kNoRank;
  };
  ranks_.resize(symbols_.size());
  for (size_t i = 0; i < symbols_.size(); ++i) ranks_[i] = rank(i);
  while (symbols_.size() > 1) {
    const auto best = std::min_element(ranks_.begin(), ranks_.end());
    if (*best == kNoRank) return;
    const auto i = static_cast<size_t>(best - ranks_.begin());
    symbols_[i] = merges_->Find(symbols_[i], symbols_[i + 1])->result;
    symbols_.erase(symbols_.begin() + static_cast<ptrdiff_t>(i) + 1);
    ranks_.erase(ranks_.begin() + static_cast<ptrdiff_t>(i) + 1);
    ranks_[i] = rank(i);
    if (i > 0) ranks_[i - 1] = rank(i - 1);
  }
}

void WordMerger::Push(uint32_t left, uint32_t right) {
  if (left == kNone || right == kNone) return;
  const Merge* merge = merges_->Find(symbols_[left], symbols_[right]);
  if (merge != nullptr) heap_.push_back({uint64_t{merge->rank} << 32 | left, merge->result, right});
}

// symbols_[i] == kNoSymbol marks a position that was merged into one before it. A pending merge is stale when either of
// its positions has changed since; the result that the pair would give now tells.
void WordMerger::RunLong() {
  const auto later = [](const Pending& a, const Pending& b) { return a.order > b.order; };
  const auto n = static_cast<uint32_t>(symbols_.size());
  next_.resize(n);
  previous_.resize(n);
  heap_.clear();
  for (uint32_t i = 0; i < n; ++i) {
    previous_[i] = i == 0 ? kNone : i - 1;
    next_[i] = i + 1 == n ? kNone : i + 1;
    Push(i, next_[i]);
  }
  std::make_heap(heap_.begin(), heap_.end(), later);
  while (!heap_.empty()) {
    const Pending pending = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
    const auto left = static_cast<uint32_t>(pending.order);
    const uint32_t right = pending.right;
    if (symbols_[left] == kNoSymbol || symbols_[right] == kNoSymbol || next_[left] != right) continue;
    const Merge* merge = merges_->Find(symbols_[left], symbols_[right]);
    if (merge == nullptr || merge->result != pending.result || merge->rank != pending.order >> 32) continue;
    symbols_[left] = merge->result;
    symbols_[right] = kNoSymbol;
    next_[left] = next_[right];
    if (next_[left] != kNone) previous_[next_[left]] = left;
    for (const auto& [a, b] : {std::pair(previous_[left], left), std::pair(left, next_[left])}) {
      const size_t before = heap_.size();
      Push(a, b);
      if (heap_.size() > before) std::push_heap(heap_.begin(), heap_.end(), later);
    }
  }
  std::erase(symbols_, kNoSymbol);
}

}  // namespace zell::tokenizer::internal
