// Cuts text that has no spaces to cut at: into stretches that no token reaches across.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "tokenizer/byte_trie.h"
#include "tokenizer/space_marks.h"

namespace zell::tokenizer::internal {

/// A token that stands at a place of the text.
struct Standing {
  uint32_t bytes;
  Token token;
};

/// Goes through one text from its front and remembers which tokens start where in the stretch it is at. No merge joins
/// the two sides of a border. Linear: at most kDeepest bytes are looked at for each character.
class Borders {
 public:
  /// `longest`: bytes of the longest token. `tokens` must outlive this, `text` be there until its last stretch.
  Borders(const ByteTrie& tokens, size_t longest) : tokens_(&tokens), longest_(longest) {}

  void Start(std::string_view text) {
    text_ = text;
    pos_ = reach_ = 0;
  }
  /// Where the stretch ends that starts where the last one ended; text.size() at last. Characters stay whole.
  size_t Next() {
    begin_ = pos_;
    all_known_ = true;
    starts_.clear();
    firsts_.assign(1, 0);
    standing_.clear();
    do {
      starts_.push_back(static_cast<uint32_t>(pos_ - begin_));
      Walk();
      firsts_.push_back(static_cast<uint32_t>(standing_.size()));
      pos_ = std::min(pos_ + StepOf(text_[pos_]), text_.size());
    } while (pos_ < reach_ && pos_ < text_.size());
    starts_.push_back(static_cast<uint32_t>(pos_ - begin_));
    return pos_;
  }

  /// Where the stretch's characters start, and where it ends.
  std::span<const uint32_t> starts() const { return starts_; }
  /// The tokens that start at a character, shortest first.
  std::span<const Standing> At(size_t character) const {
    return std::span(standing_).subspan(firsts_[character], firsts_[character + 1] - firsts_[character]);
  }
  /// Whether those are all: some may be longer than is looked at.
  bool all_known() const { return all_known_; }

 private:
  static constexpr size_t kDeepest = 64;

  /// Tokens that start at pos_. Where they may be longer than is looked at, the longest one of all might be there.
  void Walk() {
    const std::string_view rest = text_.substr(pos_);
    ByteTrie::Node node = ByteTrie::kRoot;
    for (size_t length = 0; length < rest.size(); ++length) {
      if (length == kDeepest) {
        all_known_ = false;
        reach_ = std::max(reach_, pos_ + std::min(longest_, rest.size()));
        return;
      }
      node = tokens_->Child(node, static_cast<uint8_t>(rest[length]));
      if (node == ByteTrie::kNone) return;
      if (tokens_->TokenAt(node) < 0) continue;
      standing_.push_back({static_cast<uint32_t>(length + 1), tokens_->TokenAt(node)});
      reach_ = std::max(reach_, pos_ + length + 1);
    }
  }

  const ByteTrie* tokens_;
  size_t longest_;
  std::string_view text_;
  size_t begin_ = 0, pos_ = 0;
  size_t reach_ = 0;  ///< where tokens end that start before pos_
  bool all_known_ = true;
  std::vector<uint32_t> starts_, firsts_;
  std::vector<Standing> standing_;
};

}  // namespace zell::tokenizer::internal
