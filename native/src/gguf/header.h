// One file's header: metadata and tensor table, checked against the file's size. Private to the room and its fuzzer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/byte_source.h"
#include "gguf/file.h"

namespace zell::gguf {

/// Bytes [start, end) of the file.
struct FileRange {
  uint64_t start;
  uint64_t end;
};

struct Header {
  uint32_t version = 0;
  uint64_t table_end = 0;  ///< bytes up to the end of the tensor table
  uint64_t alignment = 0;
  uint64_t data_start = 0;
  std::vector<std::pair<std::string, Value>> metadata;
  std::vector<FileRange> value_ranges;  ///< of each metadata entry: type and value
  std::vector<TensorInfo> tensors;      ///< file_offset is final, shard is 0
};

/// @errors kBadModelFile, kUnsupportedModel, kIo.
base::Result<Header> ParseHeader(const base::ByteSource& source);

}  // namespace zell::gguf
