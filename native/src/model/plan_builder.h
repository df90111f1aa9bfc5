// What architectures build their plan with: tensors of the file checked and named, values, ops.
#pragma once

#include <map>
#include <string>

#include "backend/plan.h"
#include "base/status.h"
#include "gguf/file.h"
#include "model/metadata.h"

namespace zell::model {

/// Collects the first error; the methods may be called on after it and then do nothing of use.
class PlanBuilder {
 public:
  explicit PlanBuilder(const gguf::File& file) : file_(file) {}

  /// A matrix of `rows` rows of `cols` weights, in any type that kernels multiply. -1 and an error when it is missing
  /// or has another shape.
  backend::WeightId Matrix(const std::string& name, uint64_t cols, uint64_t rows);
  /// Rows [first, first + rows) of a matrix that has `all` of them.
  backend::WeightId MatrixRows(const std::string& name, uint64_t cols, uint64_t all, uint64_t first, uint64_t rows);
  /// A vector of n numbers, as F32: in any other type it is converted into memory of the plan.
  backend::WeightId Vector(const std::string& name, uint64_t n);
  /// Elements [first, first + n) of a vector that has `all` of them.
  backend::WeightId VectorPart(const std::string& name, uint64_t all, uint64_t first, uint64_t n);
  /// n numbers in a tensor of any dimensions, as one vector.
  backend::WeightId FlatVector(const std::string& name, uint64_t n);
  /// A matrix as F32, converted like a vector: biases of experts.
  backend::WeightId FloatMatrix(const std::string& name, uint64_t cols, uint64_t rows);
  /// The matrices of `n` experts: one tensor `PREFIX_exps.weight`, or in older files `PREFIX.0.weight` to `n` - 1.
  backend::WeightId Stack(const std::string& prefix, uint64_t cols, uint64_t rows, uint64_t n);
  /// Rows [first, first + rows) of each of the `n` matrices of a tensor, which have `all` rows.
  backend::WeightId StackRows(const std::string& name, uint64_t cols, uint64_t all, uint64_t first, uint64_t rows,
                              uint64_t n);
  /// The one number of an F32 tensor, or `fallback` when the file has none of this name.
  float NumberOr(const std::string& name, float fallback);
  bool Has(const std::string& name) const { return file_.FindTensor(name) != nullptr; }
  /// Vector, or -1 without an error when the file has none of this name.
  backend::WeightId OptionalVector(const std::string& name, uint64_t n) { return Has(name) ? Vector(name, n) : -1; }

  backend::ValueId Value(const std::string& name, uint32_t width, backend::Rows rows = backend::Rows::kTokens);
  int Rope(const backend::RopeSpec& rope);
  int Route(const backend::RouteSpec& route);
  int KvGroup(const backend::KvGroup& group);

  void Fail(base::StatusCode code, const std::string& message);
  backend::Plan& plan() { return plan_; }
  /// The plan, or the first error.
  base::Result<backend::Plan> Finish();

 private:
  /// The tensor if it has these dimensions.
  const gguf::TensorInfo* Find(const std::string& name, uint64_t cols, uint64_t rows, uint64_t n = 1);
  /// All numbers of a tensor as F32: in the file, or converted once into memory of the plan.
  const float* Floats(const gguf::TensorInfo& tensor);
  backend::WeightId AddVector(const gguf::TensorInfo* tensor, uint64_t first, uint64_t n);
  backend::WeightId Add(backend::Weight weight);
  backend::Weight RowsOf(const gguf::TensorInfo& tensor, uint64_t first, uint64_t rows) const;

  const gguf::File& file_;
  backend::Plan plan_;
  std::map<std::string, const float*> converted_;  ///< by tensor
  base::Status status_;
};

}  // namespace zell::model
