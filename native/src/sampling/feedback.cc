#include "sampling/feedback.h"

#include <algorithm>
#include <cmath>

#include "sampling/exp.h"

namespace zell::sampling::internal {
namespace {

constexpr double kLn2 = 0x1.62e42fefa39efp-1;

/// Mirostat 1: how many tokens to keep so that their expected surprise is `surprise` bits, if probabilities fall as
/// ranks to the power of -s; s is estimated from the 100 best. The pool: sorted.
size_t RanksFor(const Pool& pool, double surprise, size_t vocabulary) {
  constexpr size_t kEstimatedFrom = 100;
  double products = 0, squares = 0;
  for (size_t i = 0; i + 1 < std::min(kEstimatedFrom, pool.kept.size()); ++i) {
    const double ranks = Log(static_cast<double>(i + 2) / static_cast<double>(i + 1));
    products += ranks * (double{pool.kept[i].logit} - pool.kept[i + 1].logit) / pool.temperature;
    squares += ranks * ranks;
  }
  const size_t all = pool.kept.size();
  if (!(squares > 0)) return 1;
  const double s = products / squares, epsilon = s - 1;
  if (s < 1e-6) return all;  // flat: any number has the same surprise for each
  const double log_n = Log(static_cast<double>(std::max<size_t>(vocabulary, 2)));
  // epsilon / (1 - N^-epsilon) goes to 1 / ln N.
  const double factor = std::abs(epsilon) < 1e-9
                            ? 1 / log_n
                            : epsilon / (1 - Power(static_cast<double>(std::max<size_t>(vocabulary, 2)), -epsilon));
  const double log_k = (surprise * kLn2 + Log(factor)) / s;
  if (!(log_k < Log(static_cast<double>(all)))) return all;
  return std::max<size_t>(1, log_k <= 0 ? 1 : static_cast<size_t>(1 / ExpNonPositive(-log_k)));
}

}  // namespace

void Mirostat::Limit(Pool& pool, size_t vocabulary) const {
  pool.Sort();
  if (params_.version == 1) {
    pool.kept.resize(std::min(pool.kept.size(), RanksFor(pool, most_, vocabulary)));
    return;
  }
  std::vector<double> weights;
  const double log_total = Log(pool.Weigh(&weights)), best = pool.Best();
  size_t n = 1;
  while (n < pool.kept.size() && log_total - (pool.kept[n].logit - best) / pool.temperature <= most_ * kLn2) ++n;
  pool.kept.resize(n);
}

void Mirostat::Learn(double probability) { most_ -= params_.eta * (-Log(probability) / kLn2 - params_.tau); }

Adaptive::Adaptive(double target, double decay)
    : target_(std::min(target, 1.0)), decay_(decay), sum_(target_ / (1 - decay)), weight_(1 / (1 - decay)) {}

double Adaptive::Reweigh(std::vector<double>& weights, double total) {
  constexpr double kWidth = 0.3, kSharpness = 10;
  const double wanted = std::clamp(2 * target_ - sum_ / weight_, 0.0, 1.0);
  probabilities_.resize(weights.size());
  double best = -1e300;
  for (size_t i = 0; i < weights.size(); ++i) {
    probabilities_[i] = weights[i] / total;
    const double distance = std::abs(probabilities_[i] - wanted) / kWidth;
    // Quadratic near the wanted probability, linear far from it.
    weights[i] = -kSharpness * distance * distance / (1 + distance);
    best = std::max(best, weights[i]);
  }
  double sum = 0;
  for (double& weight : weights) {
    weight = ExpNonPositive(weight - best);
    sum += weight;
  }
  return sum;
}

void Adaptive::Learn(size_t chosen) {
  sum_ = probabilities_[chosen] + decay_ * sum_;
  weight_ = 1 + decay_ * weight_;
}

}  // namespace zell::sampling::internal
