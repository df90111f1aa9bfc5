// Open addressing with linear probing, at most three quarters full.
#include "tokenizer/symbol_table.h"

#include <bit>
#include <cstring>

namespace zell::tokenizer::internal {
namespace {

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15;

uint64_t Mix(uint64_t h) {
  h ^= h >> 32;
  h *= kMultiplier;
  return h ^ h >> 29;
}

/// Eight bytes at a time; the same on every machine is not needed, the table is never stored.
uint64_t Hash(std::string_view bytes) {
  uint64_t h = bytes.size() * kMultiplier;
  const char* p = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, p += 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    h = Mix(h ^ word);
  }
  uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, p, left);
  return Mix(Mix(h ^ tail));
}

}  // namespace

SymbolTable::SymbolTable(size_t expected) {
  slots_.resize(std::bit_ceil((expected + 256) * 4 / 3));
  starts_.reserve(expected + 257);
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    Intern({&c, 1});
  }
}

size_t SymbolTable::FindSlot(std::string_view wanted, uint64_t hash) const {
  const size_t mask = slots_.size() - 1;
  const auto tag = static_cast<uint32_t>(hash >> 32);
  size_t i = hash & mask;
  while (slots_[i].symbol != kNoSymbol && (slots_[i].tag != tag || bytes(slots_[i].symbol) != wanted))
    i = (i + 1) & mask;
  return i;
}

Symbol SymbolTable::Find(std::string_view wanted) const {
  if (wanted.size() > longest_) return kNoSymbol;
  return slots_[FindSlot(wanted, Hash(wanted))].symbol;
}

uint64_t SymbolTable::Prepare(std::string_view wanted) const {
  const uint64_t hash = Hash(wanted);
#if defined(__GNUC__)
  __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
#endif
  return hash;
}

Symbol SymbolTable::Intern(std::string_view wanted) { return Intern(wanted, Hash(wanted)); }

Symbol SymbolTable::Intern(std::string_view wanted, uint64_t hash) {
  size_t slot = FindSlot(wanted, hash);
  if (slots_[slot].symbol != kNoSymbol) return slots_[slot].symbol;
  if ((size() + 1) * 4 > slots_.size() * 3) {
    Grow();
    slot = FindSlot(wanted, hash);
  }
  const auto symbol = static_cast<Symbol>(size());
  arena_.append(wanted);
  starts_.push_back(static_cast<uint32_t>(arena_.size()));
  if (wanted.size() > longest_) longest_ = wanted.size();
  slots_[slot] = {symbol, static_cast<uint32_t>(hash >> 32)};
  return symbol;
}

void SymbolTable::Grow() {
  std::vector<Slot> grown(slots_.size() * 2);
  const size_t mask = grown.size() - 1;
  for (Symbol symbol = 0; symbol < size(); ++symbol) {
    const uint64_t hash = Hash(bytes(symbol));
    size_t i = hash & mask;
    while (grown[i].symbol != kNoSymbol) i = (i + 1) & mask;
    grown[i] = {symbol, static_cast<uint32_t>(hash >> 32)};
  }
  slots_ = std::move(grown);
}

}  // namespace zell::tokenizer::internal
