// Stages that isolate runs of characters of some scripts, by lists of code points.
#include <algorithm>

#include "tokenizer/char_reader.h"
#include "tokenizer/isolate.h"
#include "tokenizer/splitters.h"

namespace zell::tokenizer::internal {
namespace {

struct CodeRange {
  uint32_t first, last;
};

/// Cased letters, as DeepSeek's tokenizers list them.
constexpr CodeRange kDeepseekLetters[] = {
    {0x41, 0x5a},       {0x61, 0x7a},       {0xb5, 0xb5},       {0xc0, 0xd6},       {0xd8, 0xf6},
    {0xf8, 0x1ba},      {0x1bc, 0x1bf},     {0x1c4, 0x293},     {0x295, 0x2af},     {0x370, 0x373},
    {0x376, 0x377},     {0x37b, 0x37d},     {0x37f, 0x37f},     {0x386, 0x386},     {0x388, 0x38a},
    {0x38c, 0x38c},     {0x38e, 0x3a1},     {0x3a3, 0x3f5},     {0x3f7, 0x481},     {0x48a, 0x52f},
    {0x531, 0x556},     {0x10a0, 0x10c5},   {0x13a0, 0x13f5},   {0x13f8, 0x13fd},   {0x1c90, 0x1cba},
    {0x1cbd, 0x1cbf},   {0x1d00, 0x1d2b},   {0x1d6b, 0x1d77},   {0x1d79, 0x1d9a},   {0x1e00, 0x1f15},
    {0x1f18, 0x1f1d},   {0x1f20, 0x1f45},   {0x1f48, 0x1f4d},   {0x1f50, 0x1f57},   {0x1f59, 0x1f59},
    {0x1f5b, 0x1f5b},   {0x1f5d, 0x1f5d},   {0x1f5f, 0x1f7d},   {0x1f80, 0x1fb4},   {0x1fb6, 0x1fbc},
    {0x1fbe, 0x1fbe},   {0x1fc2, 0x1fc4},   {0x1fc6, 0x1fcc},   {0x1fd0, 0x1fd3},   {0x1fd6, 0x1fdb},
    {0x1fe0, 0x1fec},   {0x1ff2, 0x1ff4},   {0x1ff6, 0x1ffc},   {0x2102, 0x2102},   {0x2107, 0x2107},
    {0x210a, 0x2113},   {0x2115, 0x2115},   {0x2119, 0x211d},   {0x2124, 0x2124},   {0x2126, 0x2126},
    {0x2128, 0x2128},   {0x212a, 0x212d},   {0x212f, 0x2134},   {0x2139, 0x2139},   {0x213c, 0x213f},
    {0x2145, 0x2149},   {0x214e, 0x214e},   {0x2183, 0x2184},   {0x2c00, 0x2c7b},   {0x2c7e, 0x2ce4},
    {0x2ceb, 0x2cee},   {0x2cf2, 0x2cf3},   {0xa640, 0xa66d},   {0xa680, 0xa69b},   {0xa722, 0xa76f},
    {0xa771, 0xa787},   {0xa78b, 0xa78e},   {0xab70, 0xabbf},   {0xfb00, 0xfb06},   {0xfb13, 0xfb17},
    {0xff21, 0xff3a},   {0xff41, 0xff5a},   {0x10400, 0x1044f}, {0x104b0, 0x104d3}, {0x104d8, 0x104fb},
    {0x10c80, 0x10cb2}, {0x10cc0, 0x10cf2}, {0x118a0, 0x118df}, {0x1e900, 0x1e943}};

/// From ':' on all of ASCII, its letters too.
constexpr CodeRange kDeepseekPunctuation[] = {{0x21, 0x2f},     {0x3a, 0x7e},     {0x2018, 0x201f},
                                              {0x3000, 0x3002}, {0xff01, 0xff0f}, {0xff1a, 0xff5e}};

/// Everything from Samaritan to Han, and Hangul.
constexpr CodeRange kDeepseekScripts[] = {{0x800, 0x9fa5}, {0xac00, 0xd7ff}};

constexpr CodeRange kHanAndKana[] = {{0x3040, 0x30ff}, {0x4e00, 0x9fa5}};

constexpr CodeRange kYoutuHangul[] = {{0x3131, 0x318e}, {0xac00, 0xd7a3}};

constexpr CodeRange kYoutuPunctuation[] = {{0x2014, 0x2014}, {0x2018, 0x2019}, {0x201c, 0x201d},
                                           {0x2026, 0x2026}, {0x3001, 0x303f}, {0xfe30, 0xfe4f},
                                           {0xff01, 0xff01}, {0xff0c, 0xff0c}, {0xff1a, 0xff1b}};

constexpr CodeRange kYoutuBopomofo[] = {{0x3105, 0x312f}};

/// Scripts without spaces between words.
constexpr CodeRange kAfmoeScripts[] = {{0xe40, 0xeff},   {0x1000, 0x109f}, {0x1100, 0x11ff},
                                       {0x1780, 0x17ff}, {0x2f00, 0x2fdf}, {0x3040, 0x30ff},
                                       {0x3400, 0x4dbf}, {0x4e00, 0xfaff}, {0xff65, 0xff9f}};

/// What ends a word in Poro's family, beside white space.
constexpr CodeRange kPoroBreakers[] = {{0x21, 0x21},   {0x28, 0x29},     {0x2c, 0x2c},     {0x2e, 0x2e},
                                       {0x3f, 0x3f},   {0x7c, 0x7c},     {0x60c, 0x60c},   {0x6d4, 0x6d4},
                                       {0x964, 0x964}, {0x2026, 0x2026}, {0x3001, 0x3002}, {0xff0c, 0xff0c}};

/// White space is in no list, even where a range spans it.
template <size_t n>
bool IsIn(const CodeRange (&ranges)[n], const Char& c) {
  if (c.char_class == CharClass::kSpace || c.char_class == CharClass::kEnd) return false;
  const CodeRange* after = std::upper_bound(
      ranges, ranges + n, c.code_point, [](uint32_t wanted, const CodeRange& range) { return wanted < range.first; });
  return after != ranges && c.code_point <= after[-1].last;
}

/// The end of the run of `ranges` at pos; pos when there is none.
template <size_t n>
size_t SkipIn(const CharReader& reader, size_t pos, const CodeRange (&ranges)[n]) {
  return reader.SkipWhile(pos, [&](const Char& c) { return IsIn(ranges, c); });
}

/// The same with one character of white space before it.
template <size_t n>
size_t SkipSpacedIn(const CharReader& reader, size_t pos, const CodeRange (&ranges)[n]) {
  const Char c = reader.At(pos);
  if (c.char_class != CharClass::kSpace) return SkipIn(reader, pos, ranges);
  const size_t start = pos + c.length;
  const size_t end = SkipIn(reader, start, ranges);
  return end > start ? end : pos;
}

}  // namespace

void SplitDeepseekLetters(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return SkipSpacedIn(r, pos, kDeepseekLetters); });
}

void SplitDeepseekPunctuation(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends,
          [](const CharReader& r, size_t pos) { return SkipSpacedIn(r, pos, kDeepseekPunctuation); });
}

void SplitDeepseekScripts(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return SkipIn(r, pos, kDeepseekScripts); });
}

void SplitHanAndKana(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return SkipIn(r, pos, kHanAndKana); });
}

void SplitAfmoeScripts(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) { return SkipIn(r, pos, kAfmoeScripts); });
}

void SplitYoutuScripts(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) {
    if (const size_t end = SkipIn(r, pos, kYoutuHangul); end > pos) return end;
    if (const size_t end = SkipIn(r, pos, kYoutuPunctuation); end > pos) return end;
    if (const size_t end = SkipIn(r, pos, kYoutuBopomofo); end > pos) return end;
    return SkipIn(r, pos, kHanAndKana);
  });
}

void SplitPoro(std::string_view text, size_t begin, std::vector<uint32_t>* ends) {
  Isolate(text, begin, ends, [](const CharReader& r, size_t pos) {
    const size_t start = pos + (r.Is(pos, ' ') ? 1 : 0);
    const size_t end = r.SkipWhile(start, [](const Char& c) {
      return !Has(Set(CharClass::kSpace, CharClass::kEnd), c.char_class) && !IsIn(kPoroBreakers, c);
    });
    return end > start ? end : pos;
  });
}

}  // namespace zell::tokenizer::internal
