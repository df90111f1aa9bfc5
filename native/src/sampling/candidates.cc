// Loops over whole vocabularies, written in lanes that compilers turn into vector instructions.
#include "sampling/candidates.h"

#include <algorithm>
#include <limits>

#include "sampling/exp.h"

namespace zell::sampling::internal {
namespace {

constexpr size_t kLanes = 16;
constexpr float kLowest = -std::numeric_limits<float>::infinity();

}  // namespace

void CopyOrdered(std::span<const float> logits, std::span<float> out) {
  for (size_t i = 0; i < logits.size(); ++i) out[i] = Ordered(logits[i]);
}

void KeepOnly(std::span<const uint64_t> mask, std::span<float> logits) {
  for (size_t begin = 0; begin < logits.size(); begin += 64) {
    const size_t count = std::min<size_t>(64, logits.size() - begin);
    const uint64_t word = begin / 64 < mask.size() ? mask[begin / 64] : 0;
    if (word == ~uint64_t{0}) continue;
    for (size_t i = 0; i < count; ++i) {
      if ((word >> i & 1) == 0) logits[begin + i] = kLowest;
    }
  }
}

float MaxOf(std::span<const float> logits) {
  float lanes[kLanes];
  std::fill_n(lanes, kLanes, kLowest);
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] = logits[i + lane] > lanes[lane] ? logits[i + lane] : lanes[lane];
    }
  }
  for (; i < logits.size(); ++i) lanes[0] = std::max(lanes[0], logits[i]);
  return *std::max_element(lanes, lanes + kLanes);
}

int32_t FirstEqual(std::span<const float> logits, float value) {
  const auto it = std::find(logits.begin(), logits.end(), value);
  return it == logits.end() ? -1 : static_cast<int32_t>(it - logits.begin());
}

// A heap with the worst of the best on top. Almost every block of a row stays below that one, so that a block costs one
// comparison of its maximum.
std::vector<Candidate> BestOf(std::span<const float> logits, size_t k) {
  k = std::min(k, logits.size());
  std::vector<Candidate> best;
  if (k == 0) return best;
  best.reserve(k);
  for (size_t i = 0; i < k; ++i) best.push_back({static_cast<int32_t>(i), logits[i]});
  std::make_heap(best.begin(), best.end(), IsBetter);
  for (size_t begin = k; begin < logits.size(); begin += kLanes) {
    const size_t end = std::min(begin + kLanes, logits.size());
    bool any = false;
    const float worst = best.front().logit;
    for (size_t i = begin; i < end; ++i) any |= logits[i] > worst;
    if (!any) continue;
    for (size_t i = begin; i < end; ++i) {
      // Ids ascend, so one that equals the worst loses against it.
      if (logits[i] <= best.front().logit) continue;
      std::pop_heap(best.begin(), best.end(), IsBetter);
      best.back() = {static_cast<int32_t>(i), logits[i]};
      std::push_heap(best.begin(), best.end(), IsBetter);
    }
  }
  std::sort_heap(best.begin(), best.end(), IsBetter);
  return best;
}

std::vector<Candidate> AtLeast(std::span<const float> logits, double threshold) {
  std::vector<Candidate> found;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] >= threshold && logits[i] > kLowest) found.push_back({static_cast<int32_t>(i), logits[i]});
  }
  return found;
}

double SumExp(std::span<const float> logits, float max) {
  double lanes[kLanes] = {};
  size_t i = 0;
  for (; i + kLanes <= logits.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) {
      lanes[lane] += ExpNonPositive(static_cast<double>(logits[i + lane]) - static_cast<double>(max));
    }
  }
  for (size_t lane = 0; i < logits.size(); ++i, ++lane) {
    lanes[lane] += ExpNonPositive(static_cast<double>(logits[i]) - static_cast<double>(max));
  }
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

}  // namespace zell::sampling::internal
