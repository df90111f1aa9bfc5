// The stages that cut text into words, the units that byte-pair merges never cross. Written out by hand: a regex engine
// would be slower, and could take more than linear time. A pre-tokenizer is one stage or several; each cuts the words
// of the one before it further, and sees nothing outside of the word at hand.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace zell::tokenizer::internal {

/// Appends the end of every word of text[begin ..]; the words cover it without gaps, none is empty. Linear time. An
/// invalid UTF-8 byte is a character of its own, a symbol. text.size() < 2^32.
using Splitter = void (*)(std::string_view text, size_t begin, std::vector<uint32_t>* ends);

// word_splitters.cc: whole patterns of letters, numbers, symbols and white space.

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
void SplitGpt2(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
void SplitLlama3(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitLlama3, numbers one by one.
void SplitQwen2(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitQwen2, combining marks count as letters.
void SplitQwen35(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitQwen2, without contractions.
void SplitUfakzeka(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitQwen2, line breaks do not stick to symbols.
void SplitSeedCoder(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitLlama3, whole numbers.
void SplitMinicpm5(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitLlama3, white space in pieces of 512, 256 … 4, then 2 and 1.
void SplitJais2(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitQwen2; single spaces join words (Korean phrases), one line break or slash sticks to symbols.
void SplitExaoneMoe(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// Words end where lower case turns to upper case, numbers one by one, line breaks and slashes stick to symbols.
void SplitTekken(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitTekken, with a contraction at a word's end and numbers by three.
void SplitGpt4o(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitGpt4o, combining marks count as letters.
void SplitGpt4oMarks(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitGpt4oMarks, with no regard to case.
void SplitTinyAya(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitTinyAya, numbers one by one.
void SplitYoutu(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// Runs of Han alone; else as SplitLlama3, with the contraction at a word's end.
void SplitKimiK2(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// [!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
/// (its first class without digits and letters).
void SplitDeepseek3(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitDeepseek3, each line break alone.
void SplitSpark(std::string_view text, size_t begin, std::vector<uint32_t>* ends);

// run_splitters.cc: matches of one small pattern, and what lies between them.

/// \p{N}
void SplitDigits(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// \p{N}{1,3}
void SplitDigitTriples(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// \p{N}+
void SplitNumbers(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// [0-9][0-9][0-9]
void SplitAsciiTriples(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// Cuts before each place with a multiple of three ASCII digits from there to the last one: 1|234|567.
void SplitThousands(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// The same for all numbers, but what stands before a number stays with its first group.
void SplitTrailingThousands(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// [\r\n]
void SplitBreaks(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// [^\n]+|\n+
void SplitLines(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// \S+
void SplitNonSpace(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// \s+$
void SplitFinalSpace(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// \s?\p{L}+
void SplitSpacedLetters(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// \s?\p{P}+
void SplitSpacedPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// Runs of \p{P} and the ASCII symbols.
void SplitFalconPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// As SplitFalconPunctuation, without the grave accent.
void SplitDefaultPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// Each \p{P} and ASCII symbol alone.
void SplitEachPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// <sentinel:[0-9]+>
void SplitSentinels(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// IMGIMG[A-I]{1,4}Z
void SplitImageTokens(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// Each tab and line feed, four spaces, two spaces.
void SplitIndents(std::string_view text, size_t begin, std::vector<uint32_t>* ends);

// script_splitters.cc: runs of some scripts, and what lies between them.

void SplitDeepseekLetters(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
void SplitDeepseekPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
void SplitDeepseekScripts(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
void SplitHanAndKana(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
void SplitAfmoeScripts(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
void SplitYoutuScripts(std::string_view text, size_t begin, std::vector<uint32_t>* ends);
/// ` ?` and a run of anything but white space and some sentence punctuation.
void SplitPoro(std::string_view text, size_t begin, std::vector<uint32_t>* ends);

}  // namespace zell::tokenizer::internal
