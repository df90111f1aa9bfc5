#include "model/plan_builder.h"

#include <cmath>
#include <cstring>

namespace zell::model {

using backend::WeightId;

WeightId PlanBuilder::Matrix(const std::string& name, uint64_t cols, uint64_t rows) {
  return MatrixRows(name, cols, rows, 0, rows);
}

WeightId PlanBuilder::MatrixRows(const std::string& name, uint64_t cols, uint64_t all, uint64_t first, uint64_t rows) {
  const gguf::TensorInfo* tensor = Find(name, cols, all);
  return tensor == nullptr ? -1 : Add(RowsOf(*tensor, first, rows));
}

backend::Weight PlanBuilder::RowsOf(const gguf::TensorInfo& tensor, uint64_t first, uint64_t rows) const {
  backend::Weight weight;
  weight.name = tensor.name;
  weight.first_row = first;
  weight.type = tensor.type;
  weight.rows = rows;
  weight.cols = tensor.dims[0];
  weight.row_bytes = quant::RowBytes(quant::InfoOf(tensor.type), weight.cols);
  weight.data = file_.data(tensor).data() + first * weight.row_bytes;
  return weight;
}

WeightId PlanBuilder::FloatMatrix(const std::string& name, uint64_t cols, uint64_t rows) {
  const gguf::TensorInfo* tensor = Find(name, cols, rows);
  if (tensor == nullptr) return -1;
  backend::Weight weight = RowsOf(*tensor, 0, rows);
  weight.type = quant::TensorType::kF32;
  weight.row_bytes = cols * sizeof(float);
  weight.data = reinterpret_cast<const uint8_t*>(Floats(*tensor));
  return Add(std::move(weight));
}

WeightId PlanBuilder::StackRows(const std::string& name, uint64_t cols, uint64_t all, uint64_t first, uint64_t rows,
                                uint64_t n) {
  const gguf::TensorInfo* tensor = Find(name, cols, all, n);
  if (tensor == nullptr) return -1;
  backend::Weight weight = RowsOf(*tensor, first, rows);
  for (uint64_t e = 0; e < n; ++e) weight.stack.push_back(weight.data + e * all * weight.row_bytes);
  return Add(std::move(weight));
}

WeightId PlanBuilder::Stack(const std::string& prefix, uint64_t cols, uint64_t rows, uint64_t n) {
  const auto name = [&](uint64_t e) { return prefix + "." + std::to_string(e) + ".weight"; };
  if (Has(prefix + "_exps.weight") || !Has(name(0))) return StackRows(prefix + "_exps.weight", cols, rows, 0, rows, n);
  backend::Weight weight;
  for (uint64_t e = 0; e < n; ++e) {
    const gguf::TensorInfo* tensor = Find(name(e), cols, rows);
    if (tensor == nullptr) return -1;
    if (e == 0) weight = RowsOf(*tensor, 0, rows);
    if (tensor->type != weight.type) {
      Fail(base::StatusCode::kBadModelFile, "tensor " + name(e) + " has another type than " + name(0));
      return -1;
    }
    weight.stack.push_back(file_.data(*tensor).data());
  }
  return Add(std::move(weight));
}

WeightId PlanBuilder::Vector(const std::string& name, uint64_t n) { return VectorPart(name, n, 0, n); }

WeightId PlanBuilder::VectorPart(const std::string& name, uint64_t all, uint64_t first, uint64_t n) {
  return AddVector(Find(name, all, 1), first, n);
}

WeightId PlanBuilder::FlatVector(const std::string& name, uint64_t n) {
  const gguf::TensorInfo* tensor = file_.FindTensor(name);
  if (tensor == nullptr || tensor->n_weights != n) return Vector(name, n);  // which says what is wrong
  return AddVector(tensor, 0, n);
}

float PlanBuilder::NumberOr(const std::string& name, float fallback) {
  const WeightId id = OptionalVector(name, 1);
  float number = fallback;
  if (id >= 0) std::memcpy(&number, plan_.weights[static_cast<size_t>(id)].data, sizeof number);
  if (std::isfinite(number)) return number;
  Fail(base::StatusCode::kBadModelFile, "tensor " + name + " is not a finite number");
  return fallback;
}

const gguf::TensorInfo* PlanBuilder::Find(const std::string& name, uint64_t cols, uint64_t rows, uint64_t n) {
  const gguf::TensorInfo* tensor = file_.FindTensor(name);
  if (tensor == nullptr) {
    Fail(base::StatusCode::kBadModelFile, "tensor " + name + " is missing");
    return nullptr;
  }
  if (tensor->dims[0] == cols && tensor->dims[1] == rows && tensor->dims[2] == n && tensor->dims[3] == 1) return tensor;
  const auto shape = [&](uint64_t a, uint64_t b, uint64_t c) {
    return std::to_string(a) + " x " + std::to_string(b) + (n == 1 && c == 1 ? "" : " x " + std::to_string(c));
  };
  Fail(base::StatusCode::kBadModelFile, "tensor " + name + " is " +
                                            shape(tensor->dims[0], tensor->dims[1], tensor->dims[2]) + ", expected " +
                                            shape(cols, rows, n));
  return nullptr;
}

const float* PlanBuilder::Floats(const gguf::TensorInfo& tensor) {
  const uint8_t* data = file_.data(tensor).data();
  if (tensor.type == quant::TensorType::kF32) return reinterpret_cast<const float*>(data);
  const float*& floats = converted_[tensor.name];
  if (floats == nullptr) {
    auto values = std::make_shared<std::vector<float>>(tensor.n_weights);
    quant::Dequantize(tensor.type, data, values->data(), values->size());
    floats = values->data();
    plan_.converted.push_back(std::move(values));
  }
  return floats;
}

WeightId PlanBuilder::AddVector(const gguf::TensorInfo* tensor, uint64_t first, uint64_t n) {
  if (tensor == nullptr) return -1;
  backend::Weight weight;
  weight.name = tensor->name;
  weight.first_row = first;
  weight.rows = 1;
  weight.cols = n;
  weight.row_bytes = n * sizeof(float);
  weight.data = reinterpret_cast<const uint8_t*>(Floats(*tensor) + first);
  return Add(std::move(weight));
}

WeightId PlanBuilder::Add(backend::Weight weight) {
  if (!quant::IsMatrixType(weight.type)) {
    Fail(base::StatusCode::kUnsupportedModel,
         "tensor " + weight.name + " is " + quant::InfoOf(weight.type).name + ", which nothing multiplies");
    return -1;
  }
  for (size_t i = 0; i < plan_.weights.size(); ++i) {
    const backend::Weight& w = plan_.weights[i];
    if (w.name == weight.name && w.first_row == weight.first_row && w.rows == weight.rows && w.cols == weight.cols &&
        w.stack.size() == weight.stack.size()) {
      return static_cast<WeightId>(i);
    }
  }
  plan_.weights.push_back(std::move(weight));
  return static_cast<WeightId>(plan_.weights.size() - 1);
}

backend::ValueId PlanBuilder::Value(const std::string& name, uint32_t width, backend::Rows rows) {
  plan_.values.push_back({name, width, rows});
  return static_cast<backend::ValueId>(plan_.values.size() - 1);
}

int PlanBuilder::Rope(const backend::RopeSpec& rope) {
  plan_.ropes.push_back(rope);
  return static_cast<int>(plan_.ropes.size() - 1);
}

int PlanBuilder::Route(const backend::RouteSpec& route) {
  plan_.routes.push_back(route);
  return static_cast<int>(plan_.routes.size() - 1);
}

int PlanBuilder::KvGroup(const backend::KvGroup& group) {
  plan_.kv_groups.push_back(group);
  return static_cast<int>(plan_.kv_groups.size() - 1);
}

void PlanBuilder::Fail(base::StatusCode code, const std::string& message) {
  if (status_.ok()) status_ = {code, message};
}

base::Result<backend::Plan> PlanBuilder::Finish() {
  if (!status_.ok()) return status_;
  return std::move(plan_);
}

}  // namespace zell::model
