#include "model/plan_builder.h"

namespace zell::model {

using backend::WeightId;

WeightId PlanBuilder::Matrix(const std::string& name, uint64_t cols, uint64_t rows) {
  return Add(name, cols, rows, false);
}

WeightId PlanBuilder::Vector(const std::string& name, uint64_t n) { return Add(name, n, 1, true); }

WeightId PlanBuilder::Add(const std::string& name, uint64_t cols, uint64_t rows, bool vector) {
  const gguf::TensorInfo* tensor = file_.FindTensor(name);
  if (tensor == nullptr) {
    Fail(base::StatusCode::kBadModelFile, "tensor " + name + " is missing");
    return -1;
  }
  const quant::TypeInfo& info = quant::InfoOf(tensor->type);
  if (tensor->dims[0] != cols || tensor->dims[1] != rows || tensor->dims[2] != 1 || tensor->dims[3] != 1) {
    Fail(base::StatusCode::kBadModelFile, "tensor " + name + " is " + std::to_string(tensor->dims[0]) + " x " +
                                              std::to_string(tensor->dims[1]) + ", expected " + std::to_string(cols) +
                                              " x " + std::to_string(rows));
    return -1;
  }
  if (vector && tensor->type != quant::TensorType::kF32) {
    Fail(base::StatusCode::kUnsupportedModel, "tensor " + name + " is " + info.name + ", only F32 is supported here");
    return -1;
  }
  backend::Weight weight;
  weight.name = name;
  weight.type = tensor->type;
  weight.rows = rows;
  weight.cols = cols;
  weight.row_bytes = quant::RowBytes(info, cols);
  weight.data = file_.data(*tensor).data();
  for (size_t i = 0; i < plan_.weights.size(); ++i) {
    if (plan_.weights[i].name == name) return static_cast<WeightId>(i);
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
