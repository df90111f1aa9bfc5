#include "lora/writer.h"

namespace zell::lora {
namespace {

base::Status Invalid(std::string message) { return {base::StatusCode::kInvalidRequest, std::move(message)}; }

base::Status Append(gguf::FileWriter& writer, quant::TensorType type, std::span<const float> values, uint64_t cols) {
  std::vector<uint8_t> bytes(quant::RowBytes(quant::InfoOf(type), static_cast<size_t>(cols)));
  for (size_t i = 0; i < values.size(); i += static_cast<size_t>(cols)) {
    quant::Quantize(type, values.data() + i, bytes.data(), static_cast<size_t>(cols));
    ZELL_RETURN_IF_ERROR(writer.Append(bytes));
  }
  return base::Status::Ok();
}

}  // namespace

base::Status WriteAdapter(const std::string& path, const AdapterFile& adapter) {
  using quant::TensorType;
  if (adapter.type != TensorType::kF32 && adapter.type != TensorType::kF16 && adapter.type != TensorType::kBF16) {
    return Invalid("adapters are written as F32, F16 or BF16");
  }
  if (adapter.matrices.empty()) return Invalid("an adapter needs at least one matrix");
  gguf::HeaderBuilder header;
  header.Set("general.type", std::string("adapter"));
  header.Set("general.architecture", adapter.architecture);
  if (!adapter.name.empty()) header.Set("general.name", adapter.name);
  header.Set("adapter.type", std::string("lora"));
  header.Set("adapter.lora.alpha", adapter.alpha);
  if (!adapter.base_hash.empty()) header.Set("zell.base.model_hash", adapter.base_hash);
  for (const auto& [key, value] : adapter.metadata) header.Set(key, value);
  for (const AdapterMatrix& m : adapter.matrices) {
    const uint64_t a_size = m.rank * (m.embedding ? m.rows : m.cols), b_size = m.rank * (m.embedding ? m.cols : m.rows);
    if (m.rank == 0 || m.a.size() != a_size || m.b.size() != b_size) {
      return Invalid("the halves for " + m.weight + " do not have the size that rank and shape ask for");
    }
    const uint64_t a[] = {m.embedding ? m.rank : m.cols, m.embedding ? m.rows : m.rank};
    const uint64_t b[] = {m.rank, m.embedding ? m.cols : m.rows};
    ZELL_RETURN_IF_ERROR(header.AddTensor(m.weight + ".lora_a", adapter.type, a));
    ZELL_RETURN_IF_ERROR(header.AddTensor(m.weight + ".lora_b", adapter.type, b));
  }
  base::Result<gguf::FileWriter> writer = gguf::FileWriter::Create(path, header);
  if (!writer.ok()) return writer.status();
  for (const AdapterMatrix& m : adapter.matrices) {
    ZELL_RETURN_IF_ERROR(Append(*writer, adapter.type, m.a, m.embedding ? m.rank : m.cols));
    ZELL_RETURN_IF_ERROR(Append(*writer, adapter.type, m.b, m.rank));
  }
  return writer->Commit();
}

}  // namespace zell::lora
