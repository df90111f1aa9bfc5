#include "model/plan_builder.h"

namespace zell::model {

using backend::WeightId;

WeightId PlanBuilder::Matrix(const std::string& name, uint64_t cols, uint64_t rows) {
  return MatrixRows(name, cols, rows, 0, rows);
}

WeightId PlanBuilder::MatrixRows(const std::string& name, uint64_t cols, uint64_t all, uint64_t first, uint64_t rows) {
  const gguf::TensorInfo* tensor = Find(name, cols, all);
  if (tensor == nullptr) return -1;
  backend::Weight weight;
  weight.name = name;
  weight.first_row = first;
  weight.type = tensor->type;
  weight.rows = rows;
  weight.cols = cols;
  weight.row_bytes = quant::RowBytes(quant::InfoOf(tensor->type), cols);
  weight.data = file_.data(*tensor).data() + first * weight.row_bytes;
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

const gguf::TensorInfo* PlanBuilder::Find(const std::string& name, uint64_t cols, uint64_t rows) {
  const gguf::TensorInfo* tensor = file_.FindTensor(name);
  if (tensor == nullptr) {
    Fail(base::StatusCode::kBadModelFile, "tensor " + name + " is missing");
  } else if (tensor->dims[0] != cols || tensor->dims[1] != rows || tensor->dims[2] != 1 || tensor->dims[3] != 1) {
    Fail(base::StatusCode::kBadModelFile, "tensor " + name + " is " + std::to_string(tensor->dims[0]) + " x " +
                                              std::to_string(tensor->dims[1]) + ", expected " + std::to_string(cols) +
                                              " x " + std::to_string(rows));
    return nullptr;
  }
  return tensor;
}

WeightId PlanBuilder::AddVector(const gguf::TensorInfo* tensor, uint64_t first, uint64_t n) {
  if (tensor == nullptr) return -1;
  if (tensor->type != quant::TensorType::kF32) {
    Fail(base::StatusCode::kUnsupportedModel,
         "tensor " + tensor->name + " is " + quant::InfoOf(tensor->type).name + ", only F32 is supported here");
    return -1;
  }
  backend::Weight weight;
  weight.name = tensor->name;
  weight.first_row = first;
  weight.rows = 1;
  weight.cols = n;
  weight.row_bytes = n * sizeof(float);
  weight.data = file_.data(*tensor).data() + first * sizeof(float);
  return Add(std::move(weight));
}

WeightId PlanBuilder::Add(backend::Weight weight) {
  for (size_t i = 0; i < plan_.weights.size(); ++i) {
    const backend::Weight& w = plan_.weights[i];
    if (w.name == weight.name && w.first_row == weight.first_row && w.rows == weight.rows && w.cols == weight.cols) {
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
