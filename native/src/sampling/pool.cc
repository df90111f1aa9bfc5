#include "sampling/pool.h"

#include <algorithm>
#include <cmath>

#include "sampling/exp.h"

namespace zell::sampling::internal {
namespace {

/// Takes the first by `before`, one after the other, until `enough` says so of it; those stay, in that order.
template <typename T, typename Before, typename Enough>
void TakeUntil(std::vector<T>& all, Before before, Enough enough) {
  // A heap: only what is taken costs a sort's effort.
  const auto after = [&](const T& a, const T& b) { return before(b, a); };
  std::make_heap(all.begin(), all.end(), after);
  std::vector<T> taken;
  for (auto end = all.end(); end != all.begin(); --end) {
    std::pop_heap(all.begin(), end, after);
    taken.push_back(*(end - 1));
    if (enough(taken.back(), taken.size())) break;
  }
  all = std::move(taken);
}

}  // namespace

float Pool::Best() const {
  if (sorted) return kept.front().logit;
  return std::min_element(kept.begin(), kept.end(), IsBetter)->logit;
}

void Pool::Sort() {
  if (!sorted) std::sort(kept.begin(), kept.end(), IsBetter);
  sorted = true;
}

double Pool::Weigh(std::vector<double>* weights) const {
  const double best = Best();
  double total = 0;
  if (weights != nullptr) weights->resize(kept.size());
  for (size_t i = 0; i < kept.size(); ++i) {
    const double weight = ExpNonPositive((kept[i].logit - best) / temperature);
    if (weights != nullptr) (*weights)[i] = weight;
    total += weight;
  }
  return total;
}

void KeepTopK(Pool& pool, size_t k) {
  if (k >= pool.kept.size()) return;
  if (!pool.sorted) {
    std::partial_sort(pool.kept.begin(), pool.kept.begin() + static_cast<std::ptrdiff_t>(k), pool.kept.end(), IsBetter);
    pool.sorted = true;
  }
  pool.kept.resize(k);
}

void KeepTopP(Pool& pool, double p, size_t least) {
  const double wanted = p * pool.Weigh(nullptr), best = pool.Best();
  double mass = 0;
  const auto enough = [&](const Candidate& c, size_t taken) {
    mass += ExpNonPositive((c.logit - best) / pool.temperature);
    return mass >= wanted && taken >= least;
  };
  if (!pool.sorted) {
    TakeUntil(pool.kept, IsBetter, enough);
    pool.sorted = true;
    return;
  }
  size_t taken = 0;
  while (taken < pool.kept.size() && !enough(pool.kept[taken], taken + 1)) ++taken;
  pool.kept.resize(std::min(taken + 1, pool.kept.size()));
}

void KeepMinP(Pool& pool, double p, size_t least) {
  const double best = pool.Best();
  const auto fails = [&](const Candidate& c) { return ExpNonPositive((c.logit - best) / pool.temperature) < p; };
  if (least <= 1) {
    std::erase_if(pool.kept, fails);
    return;
  }
  pool.Sort();
  const auto passing = std::find_if(pool.kept.begin(), pool.kept.end(), fails) - pool.kept.begin();
  pool.kept.resize(std::min(pool.kept.size(), std::max(static_cast<size_t>(passing), least)));
}

void KeepTypical(Pool& pool, double p, size_t least) {
  std::vector<double> weights;
  const double total = pool.Weigh(&weights);
  // Surprise is log total - logit and entropy is the mean of it: they differ by how far a logit is from the mean logit.
  double mean = 0;
  for (size_t i = 0; i < weights.size(); ++i) mean += weights[i] / total * double{pool.kept[i].logit};
  struct Scored {
    double distance, weight;
    Candidate candidate;
  };
  std::vector<Scored> scored;
  scored.reserve(weights.size());
  for (size_t i = 0; i < weights.size(); ++i) {
    scored.push_back({std::abs(double{pool.kept[i].logit} - mean), weights[i], pool.kept[i]});
  }
  double mass = 0;
  TakeUntil(
      scored,
      [](const Scored& a, const Scored& b) {
        return a.distance != b.distance ? a.distance < b.distance : IsBetter(a.candidate, b.candidate);
      },
      [&](const Scored& s, size_t taken) {
        mass += s.weight;
        return mass > p * total && taken >= least;
      });
  pool.kept.clear();
  for (const Scored& s : scored) pool.kept.push_back(s.candidate);
  pool.sorted = false;
}

void KeepTopNSigma(Pool& pool, double n) {
  const double count = static_cast<double>(pool.kept.size()), best = pool.Best();
  double sum = 0, squares = 0;
  for (const Candidate& c : pool.kept) sum += c.logit;
  const double mean = sum / count;
  for (const Candidate& c : pool.kept) squares += (c.logit - mean) * (c.logit - mean);
  const double threshold = best - n * std::sqrt(squares / count);
  std::erase_if(pool.kept, [&](const Candidate& c) { return c.logit < threshold; });
}

void DropTop(Pool& pool, double threshold, size_t least) {
  pool.Sort();
  std::vector<double> weights;
  const double total = pool.Weigh(&weights);
  size_t likely = 0;
  while (likely < weights.size() && weights[likely] >= threshold * total) ++likely;
  if (likely < 2 || pool.kept.size() - (likely - 1) < least) return;
  pool.kept.erase(pool.kept.begin(), pool.kept.begin() + static_cast<std::ptrdiff_t>(likely - 1));
}

void SetTemperature(Pool& pool, double temperature, double range, double exponent) {
  if (range > 0) {
    if (pool.kept.size() < 2) return;
    std::vector<double> weights;
    const double total = pool.Weigh(&weights), log_total = Log(total), best = pool.Best();
    double entropy = 0;
    for (size_t i = 0; i < weights.size(); ++i) {
      entropy += weights[i] / total * (log_total - (pool.kept[i].logit - best) / pool.temperature);
    }
    const double share = std::clamp(entropy / Log(static_cast<double>(weights.size())), 0.0, 1.0);
    const double low = std::max(0.0, temperature - range);
    temperature = low + (temperature + range - low) * (share > 0 ? Power(share, exponent) : 0.0);
  }
  if (temperature > 0) {
    pool.temperature *= temperature;
    return;
  }
  KeepTopK(pool, 1);
}

}  // namespace zell::sampling::internal
