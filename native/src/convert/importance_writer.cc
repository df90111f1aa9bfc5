#include "convert/importance_writer.h"

#include <cmath>

#include "gguf/writer.h"

namespace zell::convert {
namespace {

using base::Status;
using base::StatusCode;

std::span<const uint8_t> Bytes(const std::vector<float>& values) {
  return {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(float)};
}

}  // namespace

Status WriteImportance(const std::string& path, const ImportanceSource& source,
                       std::span<const InputStatistics> statistics) {
  gguf::HeaderBuilder header;
  header.Set("general.type", std::string("imatrix"));
  header.Set("imatrix.datasets", source.texts);
  header.Set("imatrix.chunk_count", source.chunks);
  header.Set("imatrix.chunk_size", source.chunk_tokens);
  for (const InputStatistics& s : statistics) {
    const uint64_t sums[] = {s.squares.size() / s.counts.size(), s.counts.size()}, counts[] = {1, s.counts.size()};
    ZELL_RETURN_IF_ERROR(header.AddTensor(s.tensor + ".in_sum2", quant::TensorType::kF32, sums));
    ZELL_RETURN_IF_ERROR(header.AddTensor(s.tensor + ".counts", quant::TensorType::kF32, counts));
  }
  base::Result<gguf::FileWriter> writer = gguf::FileWriter::Create(path, header);
  if (!writer.ok()) return writer.status();
  for (const InputStatistics& s : statistics) {
    const std::vector<float> sums(s.squares.begin(), s.squares.end()), counts(s.counts.begin(), s.counts.end());
    for (const float sum : sums) {
      if (!std::isfinite(sum)) return {StatusCode::kInvalidRequest, "Inputs of " + s.tensor + " are not finite."};
    }
    ZELL_RETURN_IF_ERROR(writer->Append(Bytes(sums)));
    ZELL_RETURN_IF_ERROR(writer->Append(Bytes(counts)));
  }
  return writer->Commit();
}

}  // namespace zell::convert
