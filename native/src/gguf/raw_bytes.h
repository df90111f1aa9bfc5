// Hand-made headers, wrong ones too, for tests and the fuzzer's seeds.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "gguf/value_type.h"

namespace zell::gguf {

/// Appends exactly what it is told to.
struct RawBytes {
  std::vector<uint8_t> bytes;

  template <typename T>
  RawBytes& Number(T number) {
    const size_t at = bytes.size();
    bytes.resize(at + sizeof number);
    std::memcpy(bytes.data() + at, &number, sizeof number);
    return *this;
  }
  RawBytes& U32(uint32_t number) { return Number(number); }
  RawBytes& U64(uint64_t number) { return Number(number); }
  RawBytes& Type(ValueType type) { return U32(static_cast<uint32_t>(type)); }
  RawBytes& String(std::string_view text) {
    U64(text.size());
    bytes.insert(bytes.end(), text.begin(), text.end());
    return *this;
  }
  RawBytes& Preamble(uint64_t n_tensors, uint64_t n_keys, uint32_t version = 3) {
    bytes.insert(bytes.end(), {'G', 'G', 'U', 'F'});
    return U32(version).U64(n_tensors).U64(n_keys);
  }
  RawBytes& KeyU32(std::string_view key, uint32_t value) { return String(key).Type(ValueType::kU32).U32(value); }
  /// `type`: a GGUF tensor type number.
  RawBytes& Tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
    String(name).U32(static_cast<uint32_t>(dims.size()));
    for (const uint64_t dim : dims) U64(dim);
    return U32(type).U64(offset);
  }
  RawBytes& Zeros(size_t n) {
    bytes.resize(bytes.size() + n);
    return *this;
  }
  RawBytes& AlignTo(size_t alignment) { return Zeros((alignment - bytes.size() % alignment) % alignment); }
};

}  // namespace zell::gguf
