#include "backend/cpu/input_tap.h"

#include <algorithm>

#include "backend/cpu/experts.h"

namespace zell::backend {
namespace {

constexpr size_t kChannels = 64;  // of one task

size_t ColumnsOf(const Machine& m, const Op& op) {
  return static_cast<size_t>(m.plan->weights[static_cast<size_t>(op.parts[0].weight)].cols);
}

void AddSquares(const float* x, size_t n, double* sums) {
  for (size_t i = 0; i < n; ++i) sums[i] += double{x[i]} * x[i];
}

/// Channels [first, first + n) of all inputs of this batch, for the tensor of `part`.
void AddPart(const Machine& m, const RunState& state, const ExpertGroups* groups, const Op& op, const MatmulPart& part,
             size_t first, size_t n, InputSums& sums) {
  InputSums::Entry& entry = sums.entries.at(m.plan->weights[static_cast<size_t>(part.weight)].name);
  if (groups == nullptr) {
    const size_t rows = state.RowCount(m.plan->values[static_cast<size_t>(op.in)].rows);
    for (size_t row = 0; row < rows; ++row) AddSquares(m.Row(op.in, row) + first, n, entry.squares.data() + first);
    if (first == 0) entry.counts[0] += rows;
    return;
  }
  const size_t used = UsedOf(*m.plan, op);
  const bool own_columns = ColumnsPerRow(*m.plan, op) > 1;
  for (size_t e = 0; e + 1 < groups->begin.size(); ++e) {
    double* const to = entry.squares.data() + e * entry.columns + first;
    for (uint32_t p = groups->begin[e]; p < groups->begin[e + 1]; ++p) {
      const size_t place = groups->places[p];
      AddSquares(m.Row(op.in, place / used) + (own_columns ? place % used * entry.columns : 0) + first, n, to);
    }
    if (first == 0) entry.counts[e] += groups->begin[e + 1] - groups->begin[e];
  }
}

}  // namespace

uint32_t CountTapTasks(const Machine& m, const Op& op) {
  return static_cast<uint32_t>((ColumnsOf(m, op) + kChannels - 1) / kChannels);
}

void RunTap(const Machine& m, const RunState& state, const ExpertGroups* groups, const Op& op, InputSums& sums,
            TaskQueue& queue) {
  const size_t columns = ColumnsOf(m, op);
  const auto name = [&](size_t p) -> const std::string& {
    return m.plan->weights[static_cast<size_t>(op.parts[p].weight)].name;
  };
  for (uint32_t done = 0;; ++done) {
    const size_t first = queue.Claim() * kChannels;
    if (first >= columns || state.stop->load(std::memory_order_relaxed)) return queue.MarkDone(done);
    for (size_t p = 0; p < op.parts.size(); ++p) {
      bool again = false;  // Q, K and V may be rows of one tensor
      for (size_t before = 0; before < p; ++before) again = again || name(before) == name(p);
      if (again) continue;
      AddPart(m, state, groups, op, op.parts[p], first, std::min(kChannels, columns - first), sums);
    }
  }
}

}  // namespace zell::backend
