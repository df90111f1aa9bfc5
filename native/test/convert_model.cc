#include "convert_model.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <vector>

#include "file_type.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "type_mix.h"

namespace zell::test {
namespace {

using base::Result;
using base::Status;
using base::StatusCode;
using quant::TensorType;

TensorType TargetType(const gguf::TensorInfo& tensor, TensorType wanted) {
  return tensor.n_dims < 2 ? TensorType::kF32 : TypeForRow(wanted, tensor.dims[0]);
}

Status CopyMetadata(const gguf::File& file, TensorType type, gguf::HeaderBuilder* header) {
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with("split.") || key == "general.alignment") continue;
    Result<std::vector<uint8_t>> raw = file.RawValue(key);
    if (!raw.ok()) return raw.status();
    header->SetRaw(key, std::move(*raw));
  }
  header->Set("general.file_type", FileTypeOf(type));
  header->Set("general.quantization_version", uint32_t{2});
  return Status::Ok();
}

Status ConvertTensor(std::span<const uint8_t> data, const gguf::TensorInfo& tensor, TensorType to,
                     gguf::FileWriter* writer) {
  const quant::TypeInfo& from = quant::InfoOf(tensor.type);
  const uint64_t row = tensor.dims[0], rows = tensor.n_weights / row;
  const uint64_t at_once = std::max<uint64_t>(1, (uint64_t{1} << 18) / row);
  std::vector<float> values;
  std::vector<uint8_t> bytes;
  for (uint64_t r = 0; r < rows; r += at_once) {
    const uint64_t n = std::min(at_once, rows - r) * row;
    values.resize(n);
    bytes.resize(quant::RowBytes(quant::InfoOf(to), n));
    quant::Dequantize(tensor.type, data.data() + quant::RowBytes(from, r * row), values.data(), n);
    if (!quant::Quantize(to, values.data(), bytes.data(), n)) {
      return {StatusCode::kUnsupported, "Nothing here writes this type."};
    }
    ZELL_RETURN_IF_ERROR(writer->Append(bytes));
  }
  return Status::Ok();
}

}  // namespace

Status ConvertModel(const std::string& in, const std::string& out, TensorType type) {
  const Result<std::shared_ptr<const gguf::File>> file = gguf::File::Open(in);
  if (!file.ok()) return file.status();
  gguf::HeaderBuilder header;
  ZELL_RETURN_IF_ERROR(CopyMetadata(**file, type, &header));
  for (const gguf::TensorInfo& tensor : (*file)->tensors()) {
    const TensorType target = TargetType(tensor, type);
    if (tensor.n_dims > 1 && target != type) {
      std::fprintf(stderr, "%s: rows of %llu do not fit %s, %s instead\n", tensor.name.c_str(),
                   static_cast<unsigned long long>(tensor.dims[0]), quant::InfoOf(type).name,
                   quant::InfoOf(target).name);
    }
    ZELL_RETURN_IF_ERROR(header.AddTensor(tensor.name, target, std::span(tensor.dims, tensor.n_dims)));
  }
  Result<gguf::FileWriter> writer = gguf::FileWriter::Create(out, header);
  if (!writer.ok()) return writer.status();
  for (const gguf::TensorInfo& tensor : (*file)->tensors()) {
    ZELL_RETURN_IF_ERROR(ConvertTensor((*file)->data(tensor), tensor, TargetType(tensor, type), &*writer));
  }
  return writer->Commit();
}

}  // namespace zell::test
