#include "gguf/writer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/checked.h"
#include "gguf/limits.h"
#include "gguf/value_type.h"

namespace zell::gguf {
namespace {

using base::Result;
using base::Status;
using base::StatusCode;
using Bytes = std::vector<uint8_t>;

template <typename T>
void Put(Bytes* out, T number) {
  static_assert(std::endian::native == std::endian::little);
  const size_t at = out->size();
  out->resize(at + sizeof number);
  std::memcpy(out->data() + at, &number, sizeof number);
}

void PutString(Bytes* out, std::string_view text) {
  Put(out, static_cast<uint64_t>(text.size()));
  out->insert(out->end(), text.begin(), text.end());
}

void PutValue(Bytes* out, bool value) { Put(out, static_cast<uint8_t>(value ? 1 : 0)); }
void PutValue(Bytes* out, const std::string& value) { PutString(out, value); }
template <typename T>
void PutValue(Bytes* out, T value) {
  Put(out, value);
}

template <typename T>
constexpr ValueType kTypeOf = ValueType::kArray;
template <>
constexpr ValueType kTypeOf<uint8_t> = ValueType::kU8;
template <>
constexpr ValueType kTypeOf<int8_t> = ValueType::kI8;
template <>
constexpr ValueType kTypeOf<uint16_t> = ValueType::kU16;
template <>
constexpr ValueType kTypeOf<int16_t> = ValueType::kI16;
template <>
constexpr ValueType kTypeOf<uint32_t> = ValueType::kU32;
template <>
constexpr ValueType kTypeOf<int32_t> = ValueType::kI32;
template <>
constexpr ValueType kTypeOf<float> = ValueType::kF32;
template <>
constexpr ValueType kTypeOf<bool> = ValueType::kBool;
template <>
constexpr ValueType kTypeOf<std::string> = ValueType::kString;
template <>
constexpr ValueType kTypeOf<uint64_t> = ValueType::kU64;
template <>
constexpr ValueType kTypeOf<int64_t> = ValueType::kI64;
template <>
constexpr ValueType kTypeOf<double> = ValueType::kF64;

struct Encoder {
  Bytes* out;
  template <typename T>
  void operator()(const T& value) const {
    Put(out, static_cast<uint32_t>(kTypeOf<T>));
    PutValue(out, value);
  }
  template <typename T>
  void operator()(const std::vector<T>& values) const {
    Put(out, static_cast<uint32_t>(ValueType::kArray));
    Put(out, static_cast<uint32_t>(kTypeOf<T>));
    Put(out, static_cast<uint64_t>(values.size()));
    for (const T& value : values) PutValue(out, value);
  }
};

uint64_t Padding(uint64_t bytes) { return (kDefaultAlignment - bytes % kDefaultAlignment) % kDefaultAlignment; }

constexpr uint8_t kZeros[kDefaultAlignment] = {};

Status Invalid(std::string message) { return {StatusCode::kInvalidRequest, std::move(message)}; }

}  // namespace

void HeaderBuilder::Set(std::string_view key, const FileValue& value) {
  Bytes bytes;
  std::visit(Encoder{&bytes}, value);
  SetRaw(key, std::move(bytes));
}

void HeaderBuilder::SetRaw(std::string_view key, Bytes bytes) {
  const auto same = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.key == key; });
  if (same != entries_.end()) {
    same->bytes = std::move(bytes);
  } else {
    entries_.push_back({std::string(key), std::move(bytes)});
  }
}

Status HeaderBuilder::AddTensor(std::string_view name, quant::TensorType type, std::span<const uint64_t> dims) {
  const std::string who = "Tensor " + std::string(name);
  if (name.empty() || name.size() > kMaxTensorNameBytes) return Invalid(who + ": a name has 1 to 255 bytes.");
  const auto same = [&](const Tensor& tensor) { return tensor.name == name; };
  if (std::any_of(tensors_.begin(), tensors_.end(), same)) return Invalid(who + " was added twice.");
  if (dims.empty() || dims.size() > kMaxDims) return Invalid(who + ": 1 to 4 dimensions are allowed.");
  std::optional<uint64_t> n_weights = 1;
  for (const uint64_t dim : dims) n_weights = n_weights ? base::CheckedMul(*n_weights, dim) : std::nullopt;
  const quant::TypeInfo& info = quant::InfoOf(type);
  if (!n_weights || *n_weights == 0 || dims[0] % info.block_weights != 0) {
    return Invalid(who + ": the dimensions do not give whole blocks.");
  }
  const std::optional<uint64_t> bytes = base::CheckedMul(*n_weights / info.block_weights, info.block_bytes);
  const std::optional<uint64_t> end = bytes ? base::CheckedAdd(data_bytes_, *bytes) : std::nullopt;
  const std::optional<uint64_t> padded = end ? base::CheckedAlignUp(*end, kDefaultAlignment) : std::nullopt;
  if (!padded) return Invalid(who + " is too large.");
  tensors_.push_back({std::string(name), type, {dims.begin(), dims.end()}, *bytes, data_bytes_});
  data_bytes_ = *padded;
  return Status::Ok();
}

Bytes HeaderBuilder::Build() const {
  Bytes out{'G', 'G', 'U', 'F'};
  Put(&out, uint32_t{3});
  Put(&out, static_cast<uint64_t>(tensors_.size()));
  Put(&out, static_cast<uint64_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    PutString(&out, entry.key);
    out.insert(out.end(), entry.bytes.begin(), entry.bytes.end());
  }
  for (const Tensor& tensor : tensors_) {
    PutString(&out, tensor.name);
    Put(&out, static_cast<uint32_t>(tensor.dims.size()));
    for (const uint64_t dim : tensor.dims) Put(&out, dim);
    Put(&out, static_cast<uint32_t>(tensor.type));
    Put(&out, tensor.offset);
  }
  out.resize(out.size() + Padding(out.size()));
  return out;
}

Result<FileWriter> FileWriter::Create(const std::string& path, const HeaderBuilder& header) {
  Result<base::AtomicFile> file = base::AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  ZELL_RETURN_IF_ERROR(file->Write(header.Build()));
  std::vector<uint64_t> sizes;
  for (size_t i = 0; i < header.n_tensors(); ++i) sizes.push_back(header.TensorBytes(i));
  return FileWriter(std::move(*file), std::move(sizes));
}

Status FileWriter::Append(std::span<const uint8_t> bytes) {
  if (bytes.empty()) return Status::Ok();
  if (current_ == sizes_.size()) return Invalid("More data than tensors.");
  if (bytes.size() > sizes_[current_] - done_) return Invalid("More data than the tensor takes.");
  ZELL_RETURN_IF_ERROR(file_.Write(bytes));
  done_ += bytes.size();
  if (done_ < sizes_[current_]) return Status::Ok();
  ++current_;
  done_ = 0;
  return file_.Write({kZeros, static_cast<size_t>(Padding(file_.bytes_written()))});
}

Status FileWriter::Commit() {
  if (current_ != sizes_.size()) return Invalid("The data of some tensors is missing.");
  return file_.Commit();
}

}  // namespace zell::gguf
