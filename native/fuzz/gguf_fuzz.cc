// The GGUF header parser against arbitrary bytes: it must refuse them or keep every promise that the rest of the engine
// relies on. Mutations know where lengths, counts, types and offsets lie, so they get past the first checks.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/byte_source.h"
#include "gguf/header.h"
#include "gguf/raw_bytes.h"
#include "gguf/writer.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace {

using zell::base::MemorySource;
using zell::gguf::Header;
using zell::gguf::HeaderBuilder;
using zell::gguf::RawBytes;
using zell::quant::TensorType;

#define PROMISE(condition) \
  if (!(condition)) std::abort()

/// Dequantises the first and the last row: reads outside the file are the sanitizer's to find.
void ReadTensor(const zell::gguf::TensorInfo& tensor, const uint8_t* data) {
  const zell::quant::TypeInfo& info = zell::quant::InfoOf(tensor.type);
  const uint64_t row = tensor.dims[0], row_bytes = zell::quant::RowBytes(info, row);
  std::vector<float> y(row);
  zell::quant::Dequantize(tensor.type, data + tensor.file_offset, y.data(), row);
  zell::quant::Dequantize(tensor.type, data + tensor.file_offset + tensor.bytes - row_bytes, y.data(), row);
}

/// Files that parse, each with another mixture of values and types.
std::vector<uint8_t> Seed(uint32_t number) {
  HeaderBuilder builder;
  builder.Set("general.architecture", std::string("llama"));
  if (number % 2 == 0) builder.Set("n", number);
  if (number % 3 == 0) builder.Set("strings", std::vector<std::string>{"a", "", "bc"});
  if (number % 3 == 1) builder.Set("floats", std::vector<float>{1, 2});
  if (number % 4 == 1) builder.Set("flag", true);
  if (number % 4 == 2) builder.Set("bytes", std::vector<uint8_t>{1, 2, 3});
  const auto types = zell::quant::Types();
  const zell::quant::TypeInfo& info = types[number % types.size()];
  const uint64_t matrix[] = {info.block_weights, 2}, vector[] = {4};
  PROMISE(builder.AddTensor("blk.0.w", info.type, matrix).ok());
  PROMISE(builder.AddTensor("norm", TensorType::kF32, vector).ok());
  std::vector<uint8_t> bytes = builder.Build();
  bytes.resize(bytes.size() + (info.block_bytes * 2 + 31) / 32 * 32 + 16);
  return bytes;
}

constexpr uint64_t kInteresting[] = {0,
                                     1,
                                     2,
                                     3,
                                     4,
                                     5,
                                     7,
                                     8,
                                     9,
                                     12,
                                     31,
                                     32,
                                     33,
                                     255,
                                     256,
                                     65535,
                                     1u << 31,
                                     0xffffffffu,
                                     uint64_t{1} << 32,
                                     uint64_t{1} << 61,
                                     uint64_t{1} << 62,
                                     uint64_t{1} << 63,
                                     UINT64_MAX - 31,
                                     UINT64_MAX};
constexpr size_t kWidths[] = {1, 4, 8, 8};

}  // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  uint32_t random = seed * 2654435761u + 1;
  const auto next = [&random] { return (random = random * 1664525u + 1013904223u) >> 8; };
  if (size < 24 || next() % 64 == 0) {  // start again from a file that parses
    const std::vector<uint8_t> fresh = Seed(next());
    if (fresh.size() > max_size) return LLVMFuzzerMutate(data, size, max_size);
    std::memcpy(data, fresh.data(), fresh.size());
    return fresh.size();
  }
  if (next() % 3 == 0) return LLVMFuzzerMutate(data, size, max_size);
  for (uint32_t n = next() % 3 + 1; n > 0; --n) {  // a number somewhere becomes a nasty or a neighbouring one
    const size_t width = kWidths[next() % std::size(kWidths)];
    if (size < width) continue;
    const size_t at = next() % (size - width + 1);
    uint64_t value = 0;
    std::memcpy(&value, data + at, width);
    switch (next() % 3) {
      case 0:
        value = kInteresting[next() % std::size(kInteresting)];
        break;
      case 1:
        value += next() % 65 - uint64_t{32};
        break;
      default:
        value = size - next() % 64;
    }
    std::memcpy(data + at, &value, width);
  }
  return size;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span<const uint8_t> bytes(data, size);
  const zell::base::Result<Header> header = zell::gguf::ParseHeader(MemorySource(bytes));
  if (!header.ok()) {
    PROMISE(!header.status().message.empty());
    return 0;
  }
  PROMISE(header->table_end <= size);
  PROMISE(header->metadata.size() == header->value_ranges.size());
  for (const auto& range : header->value_ranges) PROMISE(range.start < range.end && range.end <= header->table_end);
  for (const zell::gguf::TensorInfo& tensor : header->tensors) {
    PROMISE(tensor.n_weights == tensor.dims[0] * tensor.dims[1] * tensor.dims[2] * tensor.dims[3]);
    PROMISE(tensor.n_weights > 0 && tensor.file_offset % 8 == 0);
    PROMISE(zell::base::FitsWithin(tensor.file_offset, tensor.bytes, size));
    ReadTensor(tensor, data);
  }
  return 0;
}
