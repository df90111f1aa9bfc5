// Many strings in one block of memory: a vocabulary has half a million of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace zell::base {

/// Copies share their memory until one of them changes. At most 4 GiB of text. A view into the list is valid until the
/// last list that shares the text is changed or gone. Thread-safe like a vector.
class StringList {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = std::string_view;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = std::string_view;
    Iterator(const StringList& list, size_t index) : list_(&list), index_(index) {}
    std::string_view operator*() const { return (*list_)[index_]; }
    Iterator& operator++() {
      ++index_;
      return *this;
    }
    bool operator==(const Iterator& other) const { return index_ == other.index_; }

   private:
    const StringList* list_;
    size_t index_;
  };

  StringList() = default;
  StringList(std::initializer_list<std::string_view> strings) {
    for (const std::string_view string : strings) push_back(string);
  }
  /// Implicit: what is written down string by string becomes a list where one is wanted.
  StringList(const std::vector<std::string>& strings) {
    for (const std::string& string : strings) push_back(string);
  }
  /// `ends[i]`: where string i ends in `text`; ascending, the last one at most text.size().
  StringList(std::string text, std::vector<uint32_t> ends)
      : block_(std::make_shared<Block>(Block{std::move(text), std::move(ends)})) {}

  size_t size() const { return block_ == nullptr ? 0 : block_->ends.size(); }
  bool empty() const { return size() == 0; }
  std::string_view operator[](size_t i) const {
    const uint32_t begin = i == 0 ? 0 : block_->ends[i - 1];
    return {block_->text.data() + begin, block_->ends[i] - begin};
  }
  Iterator begin() const { return {*this, 0}; }
  Iterator end() const { return {*this, size()}; }

  void push_back(std::string_view string) {
    Block& block = Own();
    block.text.append(string);
    block.ends.push_back(static_cast<uint32_t>(block.text.size()));
  }
  /// Moves all that follow: O(text).
  void Replace(size_t i, std::string_view string) {
    StringList changed;
    for (size_t k = 0; k < size(); ++k) changed.push_back(k == i ? string : (*this)[k]);
    *this = std::move(changed);
  }
  void clear() { block_.reset(); }

 private:
  struct Block {
    std::string text;
    std::vector<uint32_t> ends;
  };
  Block& Own() {
    if (block_ == nullptr) {
      block_ = std::make_shared<Block>();
    } else if (block_.use_count() > 1) {
      block_ = std::make_shared<Block>(*block_);
    }
    return *block_;
  }

  std::shared_ptr<Block> block_;
};

}  // namespace zell::base
