// Cuts text into words, the units that byte-pair merges never cross. One function a family, written out by hand:
// a regex engine would be slower, and could take more than linear time.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace zell::tokenizer::internal {

/// Appends the end offset of every word; the words cover the text without gaps. Linear time. An invalid UTF-8 byte is a
/// character of its own that is neither letter, number nor space. text.size() < 2^32.
using Splitter = void (*)(std::string_view text, std::vector<uint32_t>* ends);

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
void SplitGpt2(std::string_view text, std::vector<uint32_t>* ends);

/// Every \p{N} alone, then SplitGpt2 on what lies between; white space before a number is therefore one whole word.
void SplitDigitsThenGpt2(std::string_view text, std::vector<uint32_t>* ends);

/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
void SplitLlama3(std::string_view text, std::vector<uint32_t>* ends);

/// As SplitLlama3, numbers one by one.
void SplitQwen2(std::string_view text, std::vector<uint32_t>* ends);

/// As SplitQwen2, combining marks count as letters.
void SplitQwen35(std::string_view text, std::vector<uint32_t>* ends);

}  // namespace zell::tokenizer::internal
