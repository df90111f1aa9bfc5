// Reading of the packed units: 8 bits label, bit 8 "has a value", bit 9 "offset counts 256s", offset from bit 10 on; a
// unit with bit 31 is a value.
#include "tokenizer/charsmap.h"

namespace zell::tokenizer::internal {
namespace {

constexpr uint32_t kValueBit = uint32_t{1} << 31;

uint32_t OffsetOf(uint32_t unit) { return (unit >> 10) << ((unit & 0x200) >> 6); }

}  // namespace

base::Result<Charsmap> Charsmap::Create(std::string_view bytes) {
  Charsmap map;
  if (bytes.empty()) {
    for (auto& row : map.passes_) row.set();
    return map;
  }
  const auto word = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4; ++i) value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << 8 * i;
    return value;
  };
  const size_t size = bytes.size() < 4 ? 0 : word(0);
  if (bytes.size() < 4 || size > bytes.size() - 4 || size % 4 != 0) {
    return base::Status{base::StatusCode::kBadModelFile,
                        "vocabulary: precompiled_charsmap of " + std::to_string(bytes.size()) + " bytes is malformed"};
  }
  map.units_.reserve(size / 4);
  for (size_t at = 4; at < 4 + size; at += 4) map.units_.push_back(word(at));
  map.replacements_ = bytes.substr(4 + size);
  for (size_t pair = 0; pair < 128 * 128; ++pair) {
    const char text[] = {static_cast<char>(pair / 128), static_cast<char>(pair % 128)};
    size_t steps = 0;
    const bool mapped = map.Walk({text, 2}, &steps).length > 0;
    map.passes_[pair / 128][pair % 128] = !mapped && steps < 2;
  }
  return map;
}

Charsmap::Match Charsmap::Walk(std::string_view text, size_t* steps) const {
  Match match;
  if (units_.empty()) return match;
  uint32_t node = OffsetOf(units_[0]);
  for (size_t i = 0; i < text.size() && text[i] != 0; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    if (node >= units_.size() || (units_[node] & (kValueBit | 0xFF)) != byte) break;
    if (steps != nullptr) *steps = i + 1;
    const uint32_t unit = units_[node];
    node ^= OffsetOf(unit);
    if ((unit & 0x100) == 0) continue;
    if (node >= units_.size()) break;
    const size_t start = units_[node] & ~kValueBit;
    const size_t end = start < replacements_.size() ? replacements_.find('\0', start) : std::string::npos;
    if (end == std::string::npos) break;
    match = {std::string_view(replacements_).substr(start, end - start), i + 1};
  }
  return match;
}

}  // namespace zell::tokenizer::internal
