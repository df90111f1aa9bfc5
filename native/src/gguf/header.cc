#include "gguf/header.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "base/checked.h"
#include "gguf/cursor.h"
#include "gguf/limits.h"
#include "gguf/metadata_reader.h"

namespace zell::gguf {
namespace {

using base::Status;
using base::StatusCode;

struct Counts {
  uint64_t tensors;
  uint64_t keys;
};

Status ReadPreamble(Cursor& cursor, Header* header, Counts* counts) {
  uint8_t magic[4];
  ZELL_RETURN_IF_ERROR(cursor.Read(magic, "magic"));
  if (std::memcmp(magic, "GGUF", 4) != 0) return {StatusCode::kBadModelFile, "Not a GGUF file: no magic number."};
  ZELL_RETURN_IF_ERROR(cursor.ReadNumber(&header->version, "version"));
  if (header->version != 0 && (header->version & 0xffff) == 0) {
    return {StatusCode::kUnsupportedModel, "A big-endian GGUF file; Zell reads little-endian ones."};
  }
  if (header->version != 2 && header->version != 3) {
    return {StatusCode::kUnsupportedModel,
            "GGUF version " + std::to_string(header->version) + "; Zell reads versions 2 and 3."};
  }
  ZELL_RETURN_IF_ERROR(cursor.ReadNumber(&counts->tensors, "tensor count"));
  ZELL_RETURN_IF_ERROR(cursor.ReadNumber(&counts->keys, "metadata count"));
  // The smallest entries: a key of one byte with a one-byte value; a name of one byte with one dimension.
  constexpr uint64_t kMinKeyBytes = 8 + 1 + 4 + 1, kMinTensorBytes = 8 + 1 + 4 + 8 + 4 + 8;
  if (counts->keys > std::min(kMaxKeys, cursor.remaining() / kMinKeyBytes)) {
    return BadFile("metadata count " + std::to_string(counts->keys) + " is more than this file may hold", 16);
  }
  if (counts->tensors > std::min(kMaxTensors, cursor.remaining() / kMinTensorBytes)) {
    return BadFile("tensor count " + std::to_string(counts->tensors) + " is more than this file may hold", 8);
  }
  return Status::Ok();
}

Status ReadMetadata(Cursor& cursor, uint64_t n_keys, Header* header) {
  uint64_t memory = kMaxMetadataMemory;
  std::unordered_set<std::string> seen;
  for (uint64_t i = 0; i < n_keys; ++i) {
    const uint64_t start = cursor.position();
    std::string key;
    ZELL_RETURN_IF_ERROR(cursor.ReadString(&key, kMaxKeyBytes, "metadata key"));
    if (key.empty()) return BadFile("metadata key " + std::to_string(i) + " is empty", start);
    if (!seen.insert(key).second) return BadFile("metadata " + Quoted(key) + " appears twice", start);
    Value value;
    const uint64_t value_start = cursor.position();
    ZELL_RETURN_IF_ERROR(ReadValue(cursor, key, &memory, &value));
    header->value_ranges.push_back({value_start, cursor.position()});
    header->metadata.emplace_back(std::move(key), std::move(value));
  }
  return Status::Ok();
}

Status FindAlignment(Header* header) {
  header->alignment = kDefaultAlignment;
  for (const auto& [key, value] : header->metadata) {
    if (key != "general.alignment") continue;
    const uint64_t* number = std::get_if<uint64_t>(&value);
    if (number == nullptr || !base::IsPowerOfTwo(*number) || *number < kMinAlignment || *number > kMaxAlignment) {
      return {StatusCode::kBadModelFile,
              "general.alignment must be an unsigned power of two from 8 to 1048576" +
                  (number == nullptr ? std::string(".") : ", not " + std::to_string(*number) + ".")};
    }
    header->alignment = *number;
  }
  return Status::Ok();
}

/// Fills n_weights and bytes from type and dims.
Status Measure(TensorInfo* tensor, uint64_t position) {
  const std::string who = "tensor " + Quoted(tensor->name);
  const quant::TypeInfo& type = quant::InfoOf(tensor->type);
  std::optional<uint64_t> n_weights = 1;
  for (uint32_t d = 0; d < tensor->n_dims; ++d) {
    if (tensor->dims[d] == 0) return BadFile(who + ": dimension " + std::to_string(d) + " is 0", position);
    n_weights = base::CheckedMul(*n_weights, tensor->dims[d]);
    if (!n_weights) return BadFile(who + ": the dimensions overflow", position);
  }
  if (tensor->dims[0] % type.block_weights != 0) {
    return BadFile(who + ": a row of " + std::to_string(tensor->dims[0]) + " is not a multiple of the " + type.name +
                       " block of " + std::to_string(type.block_weights),
                   position);
  }
  const std::optional<uint64_t> bytes = base::CheckedMul(*n_weights / type.block_weights, type.block_bytes);
  if (!bytes) return BadFile(who + ": its size overflows", position);
  tensor->n_weights = *n_weights;
  tensor->bytes = *bytes;
  return Status::Ok();
}

Status ReadTensor(Cursor& cursor, TensorInfo* tensor) {
  const uint64_t start = cursor.position();
  ZELL_RETURN_IF_ERROR(cursor.ReadString(&tensor->name, kMaxTensorNameBytes, "tensor name"));
  if (tensor->name.empty()) return BadFile("a tensor has no name", start);
  const std::string who = "tensor " + Quoted(tensor->name);
  ZELL_RETURN_IF_ERROR(cursor.ReadNumber(&tensor->n_dims, "tensor dimensions"));
  if (tensor->n_dims == 0 || tensor->n_dims > kMaxDims) {
    return BadFile(who + ": " + std::to_string(tensor->n_dims) + " dimensions, 1 to 4 are allowed", start);
  }
  std::fill(std::begin(tensor->dims), std::end(tensor->dims), uint64_t{1});
  for (uint32_t d = 0; d < tensor->n_dims; ++d) {
    ZELL_RETURN_IF_ERROR(cursor.ReadNumber(&tensor->dims[d], "tensor dimensions"));
  }
  uint32_t raw_type = 0;
  ZELL_RETURN_IF_ERROR(cursor.ReadNumber(&raw_type, "tensor type"));
  const quant::TypeInfo* type = quant::FindType(raw_type);
  if (type == nullptr) {
    return {StatusCode::kUnsupportedModel, who + " has the unknown type " + std::to_string(raw_type) + "."};
  }
  tensor->type = type->type;
  tensor->shard = 0;
  ZELL_RETURN_IF_ERROR(cursor.ReadNumber(&tensor->file_offset, "tensor offset"));
  return Measure(tensor, start);
}

/// Turns offsets into the data section into offsets into the file and checks that they lie in it.
Status PlaceTensors(uint64_t file_size, Header* header) {
  for (TensorInfo& tensor : header->tensors) {
    const std::string who = "Tensor " + Quoted(tensor.name);
    if (tensor.file_offset % header->alignment != 0) {
      return {StatusCode::kBadModelFile, who + ": offset " + std::to_string(tensor.file_offset) +
                                             " is not a multiple of the alignment " +
                                             std::to_string(header->alignment) + "."};
    }
    const std::optional<uint64_t> offset = base::CheckedAdd(header->data_start, tensor.file_offset);
    if (!offset || !base::FitsWithin(*offset, tensor.bytes, file_size)) {
      return {StatusCode::kBadModelFile,
              who + ": " + std::to_string(tensor.bytes) + " bytes at offset " + std::to_string(tensor.file_offset) +
                  " of the data lie beyond the file's " + std::to_string(file_size) + " bytes."};
    }
    tensor.file_offset = *offset;
  }
  return Status::Ok();
}

Status CheckOverlap(const std::vector<TensorInfo>& tensors) {
  std::vector<const TensorInfo*> sorted;
  sorted.reserve(tensors.size());
  for (const TensorInfo& tensor : tensors) sorted.push_back(&tensor);
  std::sort(sorted.begin(), sorted.end(),
            [](const TensorInfo* a, const TensorInfo* b) { return a->file_offset < b->file_offset; });
  for (size_t i = 1; i < sorted.size(); ++i) {
    if (sorted[i]->file_offset - sorted[i - 1]->file_offset < sorted[i - 1]->bytes) {
      return {StatusCode::kBadModelFile,
              "Tensors " + Quoted(sorted[i - 1]->name) + " and " + Quoted(sorted[i]->name) + " overlap."};
    }
  }
  return Status::Ok();
}

Status Parse(const base::ByteSource& source, Header* header) {
  Cursor cursor(source);
  Counts counts{};
  ZELL_RETURN_IF_ERROR(ReadPreamble(cursor, header, &counts));
  ZELL_RETURN_IF_ERROR(ReadMetadata(cursor, counts.keys, header));
  ZELL_RETURN_IF_ERROR(FindAlignment(header));
  std::unordered_set<std::string> seen;
  for (uint64_t i = 0; i < counts.tensors; ++i) {
    TensorInfo tensor{};
    ZELL_RETURN_IF_ERROR(ReadTensor(cursor, &tensor));
    if (!seen.insert(tensor.name).second) {
      return {StatusCode::kBadModelFile, "Tensor " + Quoted(tensor.name) + " appears twice."};
    }
    header->tensors.push_back(std::move(tensor));
  }
  header->table_end = cursor.position();
  header->data_start = *base::CheckedAlignUp(header->table_end, header->alignment);  // both are small
  ZELL_RETURN_IF_ERROR(PlaceTensors(source.size(), header));
  return CheckOverlap(header->tensors);
}

}  // namespace

base::Result<Header> ParseHeader(const base::ByteSource& source) {
  Header header;
  ZELL_RETURN_IF_ERROR(Parse(source, &header));
  return header;
}

}  // namespace zell::gguf
