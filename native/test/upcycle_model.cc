#include "upcycle_model.h"

#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "gguf/file.h"
#include "gguf/writer.h"
#include "random.h"

namespace zell::test {
namespace {

using base::Result;
using base::Status;
using base::StatusCode;

Status Invalid(const std::string& message) { return {StatusCode::kInvalidRequest, message}; }

/// `blk.N.ffn_gate.weight` and its like.
bool IsMlp(const std::string& name) {
  return name.starts_with("blk.") &&
         (name.ends_with(".ffn_gate.weight") || name.ends_with(".ffn_up.weight") || name.ends_with(".ffn_down.weight"));
}

std::string StackName(const std::string& name) {
  return name.substr(0, name.size() - std::string(".weight").size()) + "_exps.weight";
}

/// The bytes of one expert: a copy, or a copy with noise.
Status AppendExpert(std::span<const uint8_t> data, const gguf::TensorInfo& tensor, double noise, Random& random,
                    gguf::FileWriter* writer) {
  if (noise == 0) return writer->Append(data);
  const size_t cols = tensor.dims[0], row_bytes = quant::RowBytes(quant::InfoOf(tensor.type), cols);
  std::vector<float> row(cols);
  std::vector<uint8_t> bytes(row_bytes);
  for (size_t at = 0; at < data.size(); at += row_bytes) {
    quant::Dequantize(tensor.type, data.data() + at, row.data(), cols);
    double squares = 0;
    for (const float x : row) squares += double(x) * x;
    const float deviation = static_cast<float>(noise * std::sqrt(squares / static_cast<double>(cols)));
    for (float& x : row) x += deviation * random.Normal();
    if (!quant::Quantize(tensor.type, row.data(), bytes.data(), cols)) {
      return Invalid("Nothing here writes the type of " + tensor.name + ", so it can have no noise.");
    }
    ZELL_RETURN_IF_ERROR(writer->Append(bytes));
  }
  return Status::Ok();
}

}  // namespace

Status UpcycleModel(const std::string& in, const std::string& out, const UpcycleSpec& spec) {
  const Result<std::shared_ptr<const gguf::File>> opened = gguf::File::Open(in);
  if (!opened.ok()) return opened.status();
  const gguf::File& file = **opened;
  if (file.Str("general.architecture") != "llama" || file.U64("llama.expert_count").value_or(0) != 0) {
    return Invalid(in + " is no dense Llama model.");
  }
  if (spec.used == 0 || spec.used > spec.experts || spec.experts > 4096) {
    return Invalid("--used is from 1 to --experts, and --experts at most 4096.");
  }
  const gguf::TensorInfo* embedding = file.FindTensor("token_embd.weight");
  if (embedding == nullptr) return Invalid(in + " has no token_embd.weight.");
  const uint64_t width = embedding->dims[0];

  gguf::HeaderBuilder header;
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with("split.") || key == "general.alignment") continue;
    Result<std::vector<uint8_t>> raw = file.RawValue(key);
    if (!raw.ok()) return raw.status();
    header.SetRaw(key, std::move(*raw));
  }
  header.Set("llama.expert_count", static_cast<uint32_t>(spec.experts));
  header.Set("llama.expert_used_count", static_cast<uint32_t>(spec.used));
  const uint64_t router_dims[] = {width, spec.experts};
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (!IsMlp(tensor.name)) {
      ZELL_RETURN_IF_ERROR(header.AddTensor(tensor.name, tensor.type, std::span(tensor.dims, tensor.n_dims)));
      continue;
    }
    const uint64_t dims[] = {tensor.dims[0], tensor.dims[1], spec.experts};
    ZELL_RETURN_IF_ERROR(header.AddTensor(StackName(tensor.name), tensor.type, dims));
    if (tensor.name.ends_with(".ffn_gate.weight")) {
      const std::string router = tensor.name.substr(0, tensor.name.find(".ffn_")) + ".ffn_gate_inp.weight";
      ZELL_RETURN_IF_ERROR(header.AddTensor(router, quant::TensorType::kF32, router_dims));
    }
  }
  Result<gguf::FileWriter> writer = gguf::FileWriter::Create(out, header);
  if (!writer.ok()) return writer.status();
  Random random(spec.seed);
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    const std::span<const uint8_t> data = file.data(tensor);
    const uint64_t copies = IsMlp(tensor.name) ? spec.experts : 1;
    for (uint64_t e = 0; e < copies; ++e) {
      ZELL_RETURN_IF_ERROR(AppendExpert(data, tensor, copies > 1 ? spec.noise : 0.0, random, &*writer));
    }
    if (!tensor.name.ends_with(".ffn_gate.weight") || !IsMlp(tensor.name)) continue;
    std::vector<float> row(width);
    for (uint64_t e = 0; e < spec.experts; ++e) {
      for (float& x : row)
        x = random.Normal() * static_cast<float>(spec.router / std::sqrt(static_cast<double>(width)));
      ZELL_RETURN_IF_ERROR(
          writer->Append(std::span(reinterpret_cast<const uint8_t*>(row.data()), row.size() * sizeof(float))));
    }
  }
  return writer->Commit();
}

}  // namespace zell::test
