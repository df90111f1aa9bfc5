#include "grammar/characters.h"

#include <algorithm>

namespace zell::grammar {
namespace {

constexpr uint32_t kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF;

void AddRange(std::vector<CharRange>& ranges, uint32_t first, uint32_t last) {
  if (first > last) return;
  // Those that overlap or touch become one.
  const auto begin = std::lower_bound(ranges.begin(), ranges.end(), first,
                                      [](const CharRange& r, uint32_t value) { return r.last + 1 < value; });
  auto end = begin;
  while (end != ranges.end() && end->first <= last + 1) {
    first = std::min(first, end->first);
    last = std::max(last, end->last);
    ++end;
  }
  const auto at = ranges.erase(begin, end);
  ranges.insert(at, {first, last});
}

ByteSet Bytes(uint32_t first, uint32_t last) {
  ByteSet set;
  for (uint32_t byte = first; byte <= last; ++byte) set.set(byte);
  return set;
}

/// Characters of `length` bytes whose encodings are first[0..], …, last[0..], cut until each byte is a free range.
void Ways(const uint8_t* first, const uint8_t* last, size_t length, ByteSets head, std::vector<ByteSets>* out) {
  if (length == 1) {
    head.push_back(Bytes(first[0], last[0]));
    out->push_back(std::move(head));
    return;
  }
  const auto all = [&](const uint8_t* bytes, uint8_t value) {
    return std::all_of(bytes + 1, bytes + length, [&](uint8_t byte) { return byte == value; });
  };
  const uint8_t low[4] = {0, 0x80, 0x80, 0x80}, high[4] = {0, 0xBF, 0xBF, 0xBF};
  const auto part = [&](uint8_t lead_first, uint8_t lead_last, const uint8_t* tail_first, const uint8_t* tail_last) {
    ByteSets next = head;
    next.push_back(Bytes(lead_first, lead_last));
    Ways(tail_first, tail_last, length - 1, std::move(next), out);
  };
  uint32_t middle_first = first[0], middle_last = last[0];
  if (first[0] == last[0]) {
    part(first[0], last[0], first + 1, last + 1);
    return;
  }
  if (!all(first, 0x80)) {
    part(first[0], first[0], first + 1, high + 1);
    ++middle_first;
  }
  if (!all(last, 0xBF)) --middle_last;
  if (middle_first <= middle_last) {
    part(static_cast<uint8_t>(middle_first), static_cast<uint8_t>(middle_last), low + 1, high + 1);
  }
  if (!all(last, 0xBF)) part(last[0], last[0], low + 1, last + 1);
}

}  // namespace

void CharSet::Add(uint32_t first, uint32_t last) {
  last = std::min(last, kLastChar);
  if (first < kFirstSurrogate) AddRange(ranges_, first, std::min(last, kFirstSurrogate - 1));
  if (last > kLastSurrogate) AddRange(ranges_, std::max(first, kLastSurrogate + 1), last);
}

void CharSet::Add(const CharSet& other) {
  for (const CharRange& range : other.ranges_) Add(range.first, range.last);
}

CharSet CharSet::Without(const CharSet& other) const {
  CharSet out;
  for (const CharRange& range : ranges_) {
    uint32_t first = range.first;
    for (const CharRange& hole : other.ranges_) {
      if (hole.last < first) continue;
      if (hole.first > range.last) break;
      if (hole.first > first) out.Add(first, hole.first - 1);
      first = hole.last + 1;
    }
    if (first <= range.last) out.Add(first, range.last);
  }
  return out;
}

std::vector<ByteSets> Utf8Ways(std::span<const CharRange> ranges) {
  constexpr uint32_t kLastOfLength[] = {0x7F, 0x7FF, 0xFFFF, kLastChar};
  std::vector<ByteSets> ways;
  for (const CharRange& range : ranges) {
    uint32_t first = range.first;
    for (size_t length = 1; length <= 4 && first <= range.last; ++length) {
      const uint32_t last = std::min(range.last, kLastOfLength[length - 1]);
      if (first > last) continue;
      std::string a, b;
      AppendUtf8(first, &a);
      AppendUtf8(last, &b);
      Ways(reinterpret_cast<const uint8_t*>(a.data()), reinterpret_cast<const uint8_t*>(b.data()), length, {}, &ways);
      first = last + 1;
    }
  }
  // Those that differ in their first byte only become one.
  std::vector<ByteSets> merged;
  for (ByteSets& way : ways) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const ByteSets& other) {
      return other.size() == way.size() && std::equal(way.begin() + 1, way.end(), other.begin() + 1);
    });
    if (same == merged.end()) {
      merged.push_back(std::move(way));
    } else {
      same->front() |= way.front();
    }
  }
  return merged;
}

void AppendUtf8(uint32_t c, std::string* text) {
  const auto put = [&](uint32_t byte) { text->push_back(static_cast<char>(byte)); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

size_t ReadUtf8(std::string_view text, uint32_t* code_point) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(0);
  const size_t length = lead < 0xC2 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 1;
  *code_point = lead;
  if (length == 1 || length > text.size()) return 1;
  uint32_t c = lead & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 1;
    c = c << 6 | (byte(i) & 0x3Fu);
  }
  const uint32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  if (c < least || c > kLastChar || (c >= kFirstSurrogate && c <= kLastSurrogate)) return 1;
  *code_point = c;
  return length;
}

}  // namespace zell::grammar
