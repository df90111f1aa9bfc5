// The numbers that learn: A and B for each matrix of an adapter, with their gradients and the optimiser's moments.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "base/aligned_buffer.h"
#include "base/status.h"
#include "gguf/file.h"

namespace zell::train {

enum class Targets {
  kAll,        ///< the seven matrices of every layer
  kMiddleMlp,  ///< the MLPs of the middle half of the layers
};

/// y += factor * B (A x) of one weight.
struct LearnedMatrix {
  backend::WeightId weight = -1;
  std::string tensor;
  size_t cols = 0, rows = 0, rank = 0;
  float factor = 1.0f;
  size_t a = 0;  ///< offset of A transposed, [cols][rank]: both of its products then read along its rows
  size_t b = 0;  ///< offset of B, [rows][rank]

  size_t a_size() const { return cols * rank; }
  size_t b_size() const { return rows * rank; }
};

class LowRankSet {
 public:
  /// Which matrices of the plan learn, in the order of its weights. @errors kUnsupported: none of them.
  static base::Result<LowRankSet> Choose(const backend::Plan& plan, Targets targets, uint32_t rank, float alpha);
  /// Those that the adapter in `file` changes. @errors kBadModelFile, kUnsupported: names the tensor.
  static base::Result<LowRankSet> ChooseFrom(const backend::Plan& plan, const gguf::File& file);

  /// @errors kOutOfMemory.
  base::Status Allocate();
  /// A uniform in ±1 / sqrt(cols), from the seed alone; B zero; moments zero.
  void Initialise(uint64_t seed);
  /// A and B of the file that the set was chosen from.
  base::Status Read(const gguf::File& file);
  void ZeroGradients();

  const std::vector<LearnedMatrix>& matrices() const { return matrices_; }
  /// [weight]: which matrix, or -1.
  const std::vector<int>& by_weight() const { return by_weight_; }
  std::vector<uint32_t> ranks() const;
  size_t size() const { return size_; }
  float alpha() const { return alpha_; }

  float* values() { return values_.data(); }
  const float* values() const { return values_.data(); }
  float* gradients() { return gradients_.data(); }
  float* first_moments() { return first_.data(); }
  float* second_moments() { return second_.data(); }

 private:
  void Add(const backend::Plan& plan, size_t weight, size_t rank, float factor);

  std::vector<LearnedMatrix> matrices_;
  std::vector<int> by_weight_;
  size_t size_ = 0;
  float alpha_ = 0.0f;
  base::AlignedBuffer<float> values_, gradients_, first_, second_;
};

}  // namespace zell::train
