#include "convert/quantize_file.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "base/thread_pool.h"
#include "convert/file_type.h"
#include "convert/importance.h"
#include "convert/recipe.h"
#include "gguf/file.h"
#include "gguf/writer.h"

namespace zell::convert {
namespace {

using base::Status;
using base::StatusCode;
using quant::TensorType;

constexpr uint64_t kWeightsPerTask = 1 << 20;

bool IsQuantised(TensorType type) { return quant::InfoOf(type).block_weights > 1; }

/// One tensor on its way through the threads: `threads` tasks of whole rows at a time, written in order.
class Converter {
 public:
  Converter(int threads, const std::atomic<bool>& stop) : pool_(threads), stop_(stop), tasks_(pool_.size()) {}

  Status Convert(const gguf::File& file, const gguf::TensorInfo& tensor, TensorType to, const Importance* importance,
                 gguf::FileWriter* writer, const std::function<void(uint64_t)>& progress, bool* all_important) {
    const std::span<const uint8_t> data = file.data(tensor);
    if (tensor.type == to) return Copy(data, writer, progress);
    const quant::TypeInfo &from = quant::InfoOf(tensor.type), &target = quant::InfoOf(to);
    const uint64_t row = tensor.dims[0], rows = tensor.n_weights / row;
    const uint64_t rows_per_task = std::max<uint64_t>(1, kWeightsPerTask / row);
    for (uint64_t first = 0; first < rows; first += rows_per_task * tasks_.size()) {
      if (stop_.load(std::memory_order_relaxed)) return {StatusCode::kCancelled, "the conversion was cancelled"};
      pool_.Run([&](int thread) {
        Task& task = tasks_[static_cast<size_t>(thread)];
        const uint64_t begin = first + static_cast<uint64_t>(thread) * rows_per_task;
        task.rows = begin < rows ? std::min(rows_per_task, rows - begin) : 0;
        task.values.resize(row);
        task.bytes.resize(task.rows * quant::RowBytes(target, row));
        task.error = nullptr;
        task.important = true;
        for (uint64_t r = 0; r < task.rows && task.error == nullptr; ++r) {
          const uint64_t at = begin + r;
          quant::Dequantize(tensor.type, data.data() + quant::RowBytes(from, row) * at, task.values.data(), row);
          std::span<const float> weights;
          if (importance != nullptr && IsQuantised(to)) {
            weights = importance->Find(tensor.name, row, at / tensor.dims[1]);
            task.important = task.important && !weights.empty();
          }
          task.error = Row(to, task.values, weights, task.bytes.data() + r * quant::RowBytes(target, row));
        }
      });
      for (const Task& task : tasks_) {
        if (task.error != nullptr) return {task.code(), "tensor " + tensor.name + task.error};
        if (!task.important) *all_important = false;
        ZELL_RETURN_IF_ERROR(writer->Append(task.bytes));
      }
      progress(quant::RowBytes(from, row) * std::min(rows_per_task * tasks_.size(), rows - first));
    }
    return Status::Ok();
  }

 private:
  static constexpr char kNotFinite[] = " holds values that are not finite.";
  static constexpr char kNoQuantiser[] = " would get a type that nothing here writes.";

  struct Task {
    uint64_t rows = 0;
    std::vector<float> values;
    std::vector<uint8_t> bytes;
    const char* error = nullptr;
    bool important = true;
    StatusCode code() const { return error == kNotFinite ? StatusCode::kInvalidRequest : StatusCode::kUnsupported; }
  };

  static const char* Row(TensorType to, const std::vector<float>& x, std::span<const float> importance, uint8_t* out) {
    for (const float value : x) {
      if (!std::isfinite(value)) return kNotFinite;
    }
    return quant::QuantizeBest(to, x.data(), importance.empty() ? nullptr : importance.data(), out, x.size())
               ? nullptr
               : kNoQuantiser;
  }

  Status Copy(std::span<const uint8_t> data, gguf::FileWriter* writer, const std::function<void(uint64_t)>& progress) {
    constexpr size_t kAtOnce = 16 << 20;
    for (size_t at = 0; at < data.size(); at += kAtOnce) {
      if (stop_.load(std::memory_order_relaxed)) return {StatusCode::kCancelled, "the conversion was cancelled"};
      const std::span<const uint8_t> part = data.subspan(at, std::min(kAtOnce, data.size() - at));
      ZELL_RETURN_IF_ERROR(writer->Append(part));
      progress(part.size());
    }
    return Status::Ok();
  }

  base::ThreadPool pool_;
  const std::atomic<bool>& stop_;
  std::vector<Task> tasks_;
};

Status CopyMetadata(const gguf::File& file, uint32_t file_type, gguf::HeaderBuilder* header) {
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with("split.") || key == "general.alignment") continue;
    base::Result<std::vector<uint8_t>> raw = file.RawValue(key);
    if (!raw.ok()) return raw.status();
    header->SetRaw(key, std::move(*raw));
  }
  header->Set("general.file_type", file_type);
  header->Set("general.quantization_version", uint32_t{2});
  return Status::Ok();
}

void Count(TensorType type, uint64_t bytes, QuantizeReport* report) {
  const char* name = quant::InfoOf(type).name;
  auto found = std::find_if(report->types.begin(), report->types.end(),
                            [&](const QuantizeReport::Type& t) { return t.name == name; });
  if (found == report->types.end()) found = report->types.insert(found, {name, 0, 0});
  ++found->tensors;
  found->bytes += bytes;
}

}  // namespace

base::Result<QuantizeReport> QuantizeFile(const std::string& in, const std::string& out, const QuantizeOptions& options,
                                          const std::function<void(uint64_t done, uint64_t total)>& progress,
                                          const std::atomic<bool>& stop) {
  const Recipe* recipe = FindRecipe(options.recipe);
  if (recipe == nullptr && !options.type) {
    std::string known;
    for (const Recipe& r : Recipes()) known += (known.empty() ? "" : ", ") + std::string(r.name);
    return Status{StatusCode::kInvalidRequest,
                  "There is no type " + options.recipe.substr(0, 32) + "; these are: " + known + "."};
  }
  const base::Result<std::shared_ptr<const gguf::File>> opened = gguf::File::Open(in);
  if (!opened.ok()) return opened.status();
  const gguf::File& file = **opened;
  for (const std::string& path : file.paths()) {
    std::error_code ignored;
    if (std::filesystem::equivalent(path, out, ignored)) {
      return Status{StatusCode::kInvalidRequest, "The new file would replace the one it is made from."};
    }
  }
  std::optional<Importance> importance;
  if (!options.importance.empty()) {
    base::Result<Importance> read = Importance::Read(options.importance);
    if (!read.ok()) return read.status();
    importance = std::move(*read);
  }

  QuantizeReport report;
  const ModelShape shape = ShapeOf(file, importance.has_value());
  gguf::HeaderBuilder header;
  const auto type_of = [&](const gguf::TensorInfo& tensor, bool* fell_back) {
    if (!options.type) return TypeFor(*recipe, shape, tensor, fell_back);
    const TensorType wanted = tensor.n_dims < 2 ? TensorType::kF32 : *options.type;
    const TensorType type = TypeForRow(wanted, tensor.dims[0]);
    *fell_back = type != wanted;
    return type;
  };
  ZELL_RETURN_IF_ERROR(CopyMetadata(file, options.type ? FileTypeOf(*options.type) : recipe->file_type, &header));
  std::vector<TensorType> types;
  uint64_t total = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    bool fell_back = false;
    const TensorType type = type_of(tensor, &fell_back);
    ZELL_RETURN_IF_ERROR(header.AddTensor(tensor.name, type, std::span(tensor.dims, tensor.n_dims)));
    types.push_back(type);
    total += tensor.bytes;
    report.weights += tensor.n_weights;
    report.fell_back += fell_back;
    report.from_quantised = report.from_quantised || (IsQuantised(tensor.type) && type != tensor.type);
  }
  base::Result<gguf::FileWriter> writer = gguf::FileWriter::Create(out, header);
  if (!writer.ok()) return writer.status();
  Converter converter(std::clamp(options.threads, 1, 256), stop);
  uint64_t done = 0;
  for (size_t i = 0; i < types.size(); ++i) {
    const gguf::TensorInfo& tensor = file.tensors()[i];
    bool all_important = true;
    ZELL_RETURN_IF_ERROR(converter.Convert(
        file, tensor, types[i], importance ? &*importance : nullptr, &*writer,
        [&](uint64_t bytes) { progress(done += bytes, total); }, &all_important));
    if (!all_important) ++report.without_importance;
    Count(types[i], header.TensorBytes(i), &report);
  }
  ZELL_RETURN_IF_ERROR(writer->Commit());
  report.bytes_before = file.total_bytes();
  std::error_code ignored;
  report.bytes_after = std::filesystem::file_size(out, ignored);
  return report;
}

}  // namespace zell::convert
