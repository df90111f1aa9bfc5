// The candidates that a chain still has, and the filters that take some away. Each leaves at least one; all see the
// distribution that those before it left.
#pragma once

#include <cstddef>
#include <vector>

#include "sampling/candidates.h"

namespace zell::sampling::internal {

struct Pool {
  std::vector<Candidate> kept;  ///< at least one, all finite
  bool sorted = false;          ///< best first, ties by id
  double temperature = 1;       ///< > 0; logits count divided by it

  float Best() const;
  void Sort();
  /// e^((logit - best) / temperature) of each. @returns their sum, in the order of `kept`
  double Weigh(std::vector<double>* weights) const;
};

void KeepTopK(Pool& pool, size_t k);
/// The most likely ones until they hold at least `p` of the mass.
void KeepTopP(Pool& pool, double p, size_t least);
/// Those with at least `p` of the best one's probability.
void KeepMinP(Pool& pool, double p, size_t least);
/// Those whose surprise is nearest to the entropy until they hold more than `p` (Meister et al., 2023). Not sorted.
void KeepTypical(Pool& pool, double p, size_t least);
/// Those at most `n` standard deviations of the logits below the best (Tang et al., 2024).
void KeepTopNSigma(Pool& pool, double n);
/// XTC: drops all but the least likely of those with a probability of `threshold` or more.
void DropTop(Pool& pool, double threshold, size_t least);

/// Sharpens or flattens. `range` > 0: between temperature - range and + range, by how the entropy lies between 0 and
/// its most, to the power of `exponent` (> 0). At 0 the best one stays alone.
void SetTemperature(Pool& pool, double temperature, double range, double exponent);

}  // namespace zell::sampling::internal
