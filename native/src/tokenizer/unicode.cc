// Class look-up through pages of 256 characters, and the UTF-8 decoder.
#include "tokenizer/unicode.h"

#include <algorithm>
#include <array>
#include <map>
#include <vector>

namespace zell::tokenizer::internal {
namespace {

constexpr size_t kPageSize = 256;
constexpr size_t kPages = 0x110000 / kPageSize;

// Most pages are alike (all unassigned, all Han …), so they are shared: tens of KiB instead of 1.1 MiB.
struct ClassTable {
  using Page = std::array<CharClass, kPageSize>;
  std::array<uint16_t, kPages> page_of{};
  std::vector<Page> pages;

  ClassTable() {
    std::map<Page, uint16_t> known;
    size_t range = 0;
    for (size_t p = 0; p < kPages; ++p) {
      Page page;
      for (size_t i = 0; i < kPageSize; ++i) {
        const auto code_point = static_cast<uint32_t>(p * kPageSize + i);
        while (range + 1 < kClassRangeCount && kClassRanges[range + 1].start <= code_point) ++range;
        page[i] = kClassRanges[range].char_class;
      }
      const auto [it, added] = known.try_emplace(page, static_cast<uint16_t>(pages.size()));
      if (added) pages.push_back(page);
      page_of[p] = it->second;
    }
  }
};

bool IsContinuation(uint8_t byte) { return (byte & 0xC0) == 0x80; }

}  // namespace

CharClass ClassOf(uint32_t code_point) {
  static const ClassTable table;
  if (code_point > 0x10FFFF) return CharClass::kOther;
  return table.pages[table.page_of[code_point / kPageSize]][code_point % kPageSize];
}

namespace {

/// The range that holds the code point, of ranges sorted by `first`; nullptr when none does.
template <typename Range>
const Range* FindRange(const Range* ranges, size_t count, uint32_t code_point) {
  const Range* after = std::upper_bound(ranges, ranges + count, code_point,
                                        [](uint32_t wanted, const Range& range) { return wanted < range.first; });
  if (after == ranges || code_point > after[-1].last) return nullptr;
  return after - 1;
}

}  // namespace

uint32_t LowerOf(uint32_t code_point) {
  if (code_point < 0x80) return code_point >= 'A' && code_point <= 'Z' ? code_point + 32 : code_point;
  const LowerRange* range = FindRange(kLowerRanges, kLowerRangeCount, code_point);
  if (range == nullptr || (code_point - range->first) % range->step != 0) return code_point;
  return static_cast<uint32_t>(static_cast<int32_t>(code_point) + range->delta);
}

uint32_t BaseOf(uint32_t code_point) {
  if (code_point < 0x80) return code_point;
  const BaseRange* range = FindRange(kBaseRanges, kBaseRangeCount, code_point);
  return range == nullptr ? code_point : range->base;
}

void AppendUtf8(uint32_t c, std::string* text) {
  const auto add = [&](uint32_t byte) { text->push_back(static_cast<char>(byte)); };
  if (c < 0x80) return add(c);
  if (c >= 0x10000) add(0xF0 | c >> 18);
  if (c >= 0x800) add(c >= 0x10000 ? 0x80 | (c >> 12 & 0x3F) : 0xE0 | c >> 12);
  add(c >= 0x800 ? 0x80 | (c >> 6 & 0x3F) : 0xC0 | c >> 6);
  add(0x80 | (c & 0x3F));
}

size_t Utf8Length(uint8_t lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;  // continuation bytes, and C0/C1, which could only start an overlong form
  if (lead < 0xE0) return 2;
  if (lead < 0xF0) return 3;
  return lead < 0xF5 ? 4 : 0;
}

Utf8Char DecodeUtf8(std::string_view text, size_t pos) {
  constexpr Utf8Char kInvalid{kReplacement, 1, false};
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[pos + i]); };
  const uint8_t lead = byte(0);
  const size_t length = Utf8Length(lead);
  if (length == 1) return {lead, 1, true};
  if (length == 0 || text.size() - pos < length) return kInvalid;
  uint32_t code_point = lead & (0xFF >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (!IsContinuation(byte(i))) return kInvalid;
    code_point = code_point << 6 | (byte(i) & 0x3F);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallest[length] || surrogate || code_point > 0x10FFFF) return kInvalid;
  return {code_point, static_cast<uint8_t>(length), true};
}

}  // namespace zell::tokenizer::internal
