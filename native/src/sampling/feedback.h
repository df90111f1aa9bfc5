// Choosers that steer by what they chose before: Mirostat (Basu et al., 2021) towards a wanted surprise, adaptive-p
// towards a wanted probability.
#pragma once

#include <cstdint>
#include <vector>

#include "sampling/params.h"
#include "sampling/pool.h"

namespace zell::sampling::internal {

class Mirostat {
 public:
  /// vocabulary: number of tokens of the model.
  explicit Mirostat(const MirostatParams& params) : params_(params), most_(2.0 * params.tau) {}
  /// Cuts the pool to what may be chosen from.
  void Limit(Pool& pool, size_t vocabulary) const;
  /// `probability`: of the chosen token in the cut pool.
  void Learn(double probability);

 private:
  MirostatParams params_;
  double most_;  ///< surprise that is let through, bits ("mu")
};

class Adaptive {
 public:
  Adaptive(double target, double decay);
  /// Rewrites the weights (sum: total) of a pool so that those with a probability near the wanted one win.
  /// @returns the new sum
  double Reweigh(std::vector<double>& weights, double total);
  void Learn(size_t chosen);

 private:
  double target_, decay_;
  double sum_, weight_;                ///< moving sum of chosen probabilities, and of their weights
  std::vector<double> probabilities_;  ///< before the rewriting
};

}  // namespace zell::sampling::internal
