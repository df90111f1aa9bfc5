#include "backend/cpu/route.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace zell::backend {
namespace {

// Scores are at least kLowest; kNever marks what can't be chosen (any more).
constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kNever = -std::numeric_limits<float>::infinity();
// Sums of chosen weights are at least this before they divide: the smallest normal number of f16.
constexpr float kSmallestSum = 0x1p-14f;

void SoftMax(const kernels::Kernels& k, float* x, size_t n) {
  const float sum = k.exp_sum(x, *std::max_element(x, x + n), n);
  for (size_t i = 0; i < n; ++i) x[i] /= sum;
}

// The first of the largest scores.
size_t IndexOfBest(const float* scores, size_t n) {
  return static_cast<size_t>(std::max_element(scores, scores + n) - scores);
}

// Leaves only the experts of the best groups eligible. A group is as good as the sum of its two best scores.
void LimitGroups(const RouteSpec& spec, float* scores, float* group_scores) {
  const size_t size = spec.experts / spec.groups;
  for (size_t g = 0; g < spec.groups; ++g) {
    const float* group = scores + g * size;
    const size_t best = IndexOfBest(group, size);
    float second = kNever;
    for (size_t i = 0; i < size; ++i) {
      if (i != best) second = std::max(second, group[i]);
    }
    group_scores[g] = std::max(size > 1 ? group[best] + second : group[best], kLowest);
  }
  for (uint32_t i = 0; i < spec.groups_used; ++i) group_scores[IndexOfBest(group_scores, spec.groups)] = kNever;
  for (size_t g = 0; g < spec.groups; ++g) {
    if (group_scores[g] != kNever) std::fill_n(scores + g * size, size, kNever);
  }
}

}  // namespace

void RouteRow(const Machine& m, const Op& op, const float* logits, float* weights, float* scratch) {
  const RouteSpec& spec = m.plan->routes[static_cast<size_t>(op.route)];
  float* numbers = weights + spec.used;
  float* probabilities = scratch;
  float* scores = scratch + spec.experts;
  std::copy(logits, logits + spec.experts, probabilities);
  if (spec.gating == Gating::kSoftmax) SoftMax(*m.kernels, probabilities, spec.experts);
  if (spec.gating == Gating::kSigmoid) {
    for (size_t i = 0; i < spec.experts; ++i) probabilities[i] = 1.0f / (1.0f + std::exp(-probabilities[i]));
  }
  std::copy(probabilities, probabilities + spec.experts, scores);
  if (op.weight >= 0) {
    m.kernels->add(scores, reinterpret_cast<const float*>(m.plan->weights[static_cast<size_t>(op.weight)].data),
                   spec.experts);
  }
  // A score that is not a number is the lowest.
  for (size_t i = 0; i < spec.experts; ++i) scores[i] = scores[i] >= kLowest ? scores[i] : kLowest;
  if (spec.groups > spec.groups_used) LimitGroups(spec, scores, scores + spec.experts);

  // `used` is small: as many passes are cheaper than sorting.
  float sum = 0.0f;
  for (uint32_t rank = 0; rank < spec.used; ++rank) {
    const size_t best = IndexOfBest(scores, spec.experts);
    scores[best] = kNever;
    numbers[rank] = static_cast<float>(best);
    weights[rank] = probabilities[best];
    sum += weights[rank];
  }
  if (spec.gating == Gating::kSoftmaxOfChosen) SoftMax(*m.kernels, weights, spec.used);
  if (spec.normalise) {
    sum = std::max(sum, kSmallestSum);
    for (uint32_t i = 0; i < spec.used; ++i) weights[i] /= sum;
  }
  if (spec.scale != 1.0f) {
    for (uint32_t i = 0; i < spec.used; ++i) weights[i] *= spec.scale;
  }
}

size_t RouteScratchFloats(const Plan& plan) {
  size_t most = 0;
  for (const RouteSpec& r : plan.routes) most = std::max(most, size_t{2} * r.experts + r.groups);
  return most;
}

void GroupByExpert(const Machine& m, const Op& op, size_t rows, ExpertGroups& groups) {
  const RouteSpec& spec = m.plan->routes[static_cast<size_t>(op.route)];
  groups.begin.assign(spec.experts + size_t{1}, 0);
  groups.places.resize(rows * spec.used);
  groups.active.clear();
  const auto number = [&](size_t row, size_t rank) {
    return static_cast<size_t>(m.Row(op.out, row)[spec.used + rank]);
  };
  for (size_t row = 0; row < rows; ++row) {
    for (size_t rank = 0; rank < spec.used; ++rank) ++groups.begin[number(row, rank) + 1];
  }
  for (size_t e = 0; e < spec.experts; ++e) {
    if (groups.begin[e + 1] > 0) groups.active.push_back(static_cast<uint32_t>(e));
    groups.begin[e + 1] += groups.begin[e];
  }
  std::vector<uint32_t>& next = groups.next;
  next.assign(groups.begin.begin(), groups.begin.end());
  for (size_t row = 0; row < rows; ++row) {
    for (size_t rank = 0; rank < spec.used; ++rank) {
      groups.places[next[number(row, rank)]++] = static_cast<uint32_t>(row * spec.used + rank);
    }
  }
  // The longest work first: what is left at the end is short.
  std::stable_sort(groups.active.begin(), groups.active.end(), [&](uint32_t a, uint32_t b) {
    return groups.begin[a + 1] - groups.begin[a] > groups.begin[b + 1] - groups.begin[b];
  });
}

}  // namespace zell::backend
