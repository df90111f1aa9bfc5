// Builds the trie level by level from sorted entries, each node's children into a block of 256 cells that has room.
#include "tokenizer/byte_trie.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>

namespace zell::tokenizer::internal {

/// Gives out cells. Siblings go where all of their places are free; only a few blocks are tried, so that no vocabulary
/// makes this slow. What stays free there is for only children, who fit anywhere.
class ByteTrieBuilder {
 public:
  explicit ByteTrieBuilder(std::vector<ByteTrie::Cell>* cells) : cells_(cells) {
    AddBlock();
    Take(0);  // the root
  }

  /// A base so that the cells of all `labels` were free; they are taken. labels: ascending, at least one.
  uint32_t Place(std::span<const uint8_t> labels) {
    if (labels.size() == 1) {
      for (std::vector<uint32_t>* from : {&holes_, &open_}) {
        while (!from->empty() && FirstFree(from->back()) == 256) from->pop_back();
      }
      if (holes_.empty() && open_.empty()) AddBlock();
      const uint32_t block = holes_.empty() ? open_.back() : holes_.back();
      const uint32_t cell = block * 256 + FirstFree(block);
      Take(cell);
      return cell ^ labels[0];
    }
    size_t at = open_.size();
    for (const size_t last = at - std::min(at, kTries); at > last;) {
      --at;
      const uint32_t block = open_[at];
      if (const uint32_t base = Fit(block, labels); base != kNoFit) return TakeAll(base, labels);
      if (++failures_[block] < kFailures) continue;
      open_.erase(open_.begin() + static_cast<ptrdiff_t>(at));
      if (FirstFree(block) < 256) holes_.push_back(block);
    }
    AddBlock();
    return TakeAll(Fit(open_.back(), labels), labels);
  }

 private:
  static constexpr size_t kTries = 4;
  static constexpr uint8_t kFailures = 8;
  static constexpr uint32_t kNoFit = 0xFFFFFFFF;

  void AddBlock() {
    open_.push_back(static_cast<uint32_t>(free_.size()));
    free_.push_back({~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}, ~uint64_t{0}});
    failures_.push_back(0);
    cells_->resize(free_.size() * 256);
  }
  bool IsFree(uint32_t cell) const { return (free_[cell / 256][cell / 64 % 4] >> cell % 64 & 1) != 0; }
  void Take(uint32_t cell) { free_[cell / 256][cell / 64 % 4] &= ~(uint64_t{1} << cell % 64); }
  /// 256 when there is none.
  uint32_t FirstFree(uint32_t block) const {
    uint32_t first = 0;
    for (const uint64_t word : free_[block]) {
      if (word != 0) return first + static_cast<uint32_t>(std::countr_zero(word));
      first += 64;
    }
    return first;
  }
  uint32_t Fit(uint32_t block, std::span<const uint8_t> labels) const {
    for (uint32_t part = 0; part < 4; ++part) {
      for (uint64_t word = free_[block][part]; word != 0; word &= word - 1) {
        const uint32_t cell = block * 256 + part * 64 + static_cast<uint32_t>(std::countr_zero(word));
        const uint32_t base = cell ^ labels[0];
        if (std::all_of(labels.begin(), labels.end(), [&](uint8_t label) { return IsFree(base ^ label); })) return base;
      }
    }
    return kNoFit;
  }
  uint32_t TakeAll(uint32_t base, std::span<const uint8_t> labels) {
    for (const uint8_t label : labels) Take(base ^ label);
    return base;
  }

  std::vector<ByteTrie::Cell>* cells_;
  std::vector<std::array<uint64_t, 4>> free_;  ///< of a block's cells
  std::vector<uint8_t> failures_;              ///< how often siblings did not fit into a block
  std::vector<uint32_t> open_, holes_;         ///< blocks for siblings; blocks for only children
};

ByteTrie::ByteTrie(std::vector<Entry> entries) {
  std::erase_if(entries, [](const Entry& e) { return e.text.empty(); });
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.text < b.text; });
  ByteTrieBuilder builder(&cells_);
  // A node and the entries below it.
  struct Range {
    Node node;
    uint32_t begin, end;
  };
  std::vector<Range> level{{kRoot, 0, static_cast<uint32_t>(entries.size())}}, next;
  std::vector<uint8_t> labels;
  std::vector<uint32_t> begins;
  for (size_t depth = 0; !level.empty(); ++depth) {
    next.clear();
    for (Range range : level) {
      for (; range.begin < range.end && entries[range.begin].text.size() == depth; ++range.begin) {
        Token& token = cells_[range.node].token;
        if (token < 0) token = entries[range.begin].token;
      }
      labels.clear();
      begins.clear();
      for (uint32_t at = range.begin; at < range.end; ++at) {
        const auto byte = static_cast<uint8_t>(entries[at].text[depth]);
        if (!labels.empty() && labels.back() == byte) continue;
        labels.push_back(byte);
        begins.push_back(at);
      }
      if (labels.empty()) continue;
      begins.push_back(range.end);
      const Node base = builder.Place(labels);
      cells_[range.node].base = base;
      for (size_t i = 0; i < labels.size(); ++i) {
        const Node child = base ^ labels[i];
        cells_[child].parent = range.node;
        next.push_back({child, begins[i], begins[i + 1]});
      }
    }
    std::swap(level, next);
  }
}

}  // namespace zell::tokenizer::internal
