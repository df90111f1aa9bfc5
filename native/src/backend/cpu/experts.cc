#include "backend/cpu/experts.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/matmul.h"
#include "backend/expert_source.h"

namespace zell::backend {
namespace {

// Floats of one product tile: two of them fit into a core's second-level cache.
constexpr size_t kTileFloats = 32 * 1024;
// Columns of one expert that a kernel call walks over, in bytes, for the same reason.
constexpr size_t kColumnBytes = 256 * 1024;
// Rows start at multiples of this, so that element-wise kernels see each element at the same place of their vectors.
constexpr size_t kRowStep = 32;
constexpr size_t kMostRows = 256;
// Multiply-adds between two looks at the stop flag.
constexpr size_t kMostWork = 4 * 1024 * 1024;

const Weight& WeightOf(const Machine& m, WeightId id) { return m.plan->weights[static_cast<size_t>(id)]; }

// Gate and up share tiles.
size_t PartsInStep(const Op& op) { return op.epilogue == Epilogue::kGate ? 1 : op.parts.size(); }

size_t MostColumns(size_t column_bytes) {
  return std::clamp(kColumnBytes / column_bytes / 16 * 16, size_t{16}, kTileFloats / kMostRows);
}

size_t ColumnBytesOf(const Weight& w) { return kernels::ActivationBytes(kernels::FormatFor(w.type), w.cols); }

// Rows of one expert's matrix that a task takes: few enough that every thread has several tasks, many enough that the
// expert's columns, which a task collects first, are used often.
size_t RowsOfTask(const Machine& m, const ExpertGroups& groups, const Weight& w) {
  const size_t tasks = static_cast<size_t>(m.threads) * 8;
  const size_t rows = w.rows * groups.active.size() / tasks;
  const size_t few = groups.places.size() > groups.active.size() * 3 ? kMostRows : kRowStep;
  return std::max((rows + kRowStep - 1) / kRowStep * kRowStep, few);
}

// The columns of one expert, side by side.
struct Columns {
  const uint8_t* data;
  size_t stride;
};

class Task {
 public:
  Task(const Machine& m, const RunState& state, const Op& op, uint32_t used, float* scratch)
      : m_(m), state_(state), op_(op), used_(used), per_row_(ColumnsPerRow(*m.plan, op)), tile_(scratch) {
    gathered_ = reinterpret_cast<uint8_t*>(scratch + 2 * kTileFloats);
  }

  // Rows [row, end) of an expert's matrices for the tokens at `places`. `streamed`: where the matrices are, instead of
  // in their stacks.
  void Run(uint32_t expert, const uint32_t* places, size_t n, size_t part, size_t row, size_t end,
           const ReadyExpert* streamed = nullptr) {
    expert_ = expert;
    streamed_ = streamed;
    const size_t n_parts = op_.epilogue == Epilogue::kGate ? 2 : 1;
    size_t most = SIZE_MAX;
    for (size_t p = part; p < part + n_parts; ++p) {
      most = std::min(most, MostColumns(ColumnBytesOf(WeightOf(m_, op_.parts[p].weight))));
    }
    for (size_t first = 0; first < n; first += most) {
      places_ = places + first;
      n_ = std::min(most, n - first);
      Columns columns[2];
      for (size_t p = 0; p < n_parts; ++p) columns[p] = Collect(part + p, p, columns[0]);
      const Weight& w = WeightOf(m_, op_.parts[part].weight);
      const size_t step = std::clamp(kMostWork / (w.cols * n_) / kRowStep * kRowStep, kRowStep, kMostRows);
      for (size_t r = row; r < end; r += step) {
        if (state_.stop->load(std::memory_order_relaxed)) return;
        const size_t rows = std::min(step, end - r);
        if (n_parts == 2) {
          Gated(columns, r, rows);
        } else {
          Plain(part, columns[0], r, rows);
        }
      }
    }
  }

 private:
  float* Out(ValueId value, size_t place, size_t rows_of_expert, size_t row) const {
    return m_.Row(value, place / used_) + place % used_ * rows_of_expert + row;
  }

  Columns Collect(size_t part, size_t index, const Columns& first) {
    const Weight& w = WeightOf(m_, op_.parts[part].weight);
    const kernels::ActivationFormat format = kernels::FormatFor(w.type);
    if (index > 0 && format == kernels::FormatFor(WeightOf(m_, op_.parts[part - 1].weight).type)) return first;
    const size_t stride = kernels::ActivationBytes(format, w.cols);
    const uint8_t* all = m_.activations[static_cast<size_t>(format)].data();
    const auto column = [&](size_t i) {
      return all + (per_row_ > 1 ? size_t{places_[i]} : places_[i] / used_) * stride;
    };
    if (n_ == 1) return {column(0), stride};
    uint8_t* to = gathered_ + index * GatherBytes(*m_.plan, op_.parts[0]);
    for (size_t i = 0; i < n_; ++i) std::memcpy(to + i * stride, column(i), stride);
    return {to, stride};
  }

  // y [n][y_stride] = rows of the expert's matrix times the collected columns, bias included.
  void Product(const MatmulPart& part, const Columns& columns, size_t row, size_t rows, float* y, size_t y_stride) {
    const Weight& w = WeightOf(m_, part.weight);
    kernels::MatmulArgs args{};
    const size_t index = static_cast<size_t>(&part - op_.parts.data());
    args.w = (streamed_ != nullptr ? streamed_->matrices[index] : w.stack[expert_]) + row * w.row_bytes;
    args.w_stride = w.row_bytes;
    args.rows = rows;
    args.x = columns.data;
    args.x_stride = columns.stride;
    args.cols = n_;
    args.k = w.cols;
    args.y = y;
    args.y_stride = y_stride;
    m_.kernels->matmul(w.type, args);
    if (part.bias < 0) return;
    const float* bias = reinterpret_cast<const float*>(WeightOf(m_, part.bias).data) + expert_ * w.rows + row;
    for (size_t c = 0; c < n_; ++c) m_.kernels->add(y + c * y_stride, bias, rows);
  }

  void Plain(size_t index, const Columns& columns, size_t row, size_t rows) {
    const MatmulPart& part = op_.parts[index];
    const size_t all_rows = WeightOf(m_, part.weight).rows;
    const bool activates = op_.epilogue == Epilogue::kActivate;
    const ValueId value = activates ? op_.out : part.out;
    if (n_ == 1 && !activates) {
      return Product(part, columns, row, rows, Out(value, places_[0], all_rows, row), all_rows);
    }
    Product(part, columns, row, rows, tile_, rows);
    for (size_t c = 0; c < n_; ++c) {
      float* out = Out(value, places_[c], all_rows, row);
      if (activates) {
        m_.kernels->activate(op_.activation, tile_ + c * rows, out, rows);
      } else {
        std::memcpy(out, tile_ + c * rows, rows * sizeof(float));
      }
    }
  }

  void Gated(const Columns* columns, size_t row, size_t rows) {
    float* up = tile_ + kTileFloats;
    Product(op_.parts[0], columns[0], row, rows, tile_, rows);
    Product(op_.parts[1], columns[1], row, rows, up, rows);
    const size_t all_rows = WeightOf(m_, op_.parts[0].weight).rows;
    for (size_t c = 0; c < n_; ++c) {
      GateNumbers(m_, op_, tile_ + c * rows, up + c * rows, Out(op_.out, places_[c], all_rows, row), rows);
    }
  }

 public:
  static size_t GatherBytes(const Plan& plan, const MatmulPart& part) {
    const size_t k = plan.weights[static_cast<size_t>(part.weight)].cols;
    size_t most = 0;
    for (const auto format :
         {kernels::ActivationFormat::kF32, kernels::ActivationFormat::kQ8, kernels::ActivationFormat::kQ8K}) {
      const size_t stride = kernels::ActivationBytes(format, k);
      most = std::max(most, stride * MostColumns(stride));
    }
    return (most + 63) / 64 * 64;
  }

 private:
  const Machine& m_;
  const RunState& state_;
  const Op& op_;
  const uint32_t used_;
  const uint32_t per_row_;
  float* tile_;
  uint8_t* gathered_;
  uint32_t expert_ = 0;
  const ReadyExpert* streamed_ = nullptr;
  const uint32_t* places_ = nullptr;
  size_t n_ = 0;
};

}  // namespace

uint32_t UsedOf(const Plan& plan, const Op& op) {
  if (op.route >= 0) return plan.routes[static_cast<size_t>(op.route)].used;
  return static_cast<uint32_t>(plan.weights[static_cast<size_t>(op.parts[0].weight)].stack.size());
}

void GroupAll(size_t rows, size_t matrices, ExpertGroups& groups) {
  groups.begin.resize(matrices + 1);
  groups.active.resize(matrices);
  groups.places.resize(rows * matrices);
  for (size_t e = 0; e <= matrices; ++e) groups.begin[e] = static_cast<uint32_t>(e * rows);
  for (size_t e = 0; e < matrices; ++e) {
    groups.active[e] = static_cast<uint32_t>(e);
    for (size_t row = 0; row < rows; ++row) {
      groups.places[e * rows + row] = static_cast<uint32_t>(row * matrices + e);
    }
  }
}

void GateNumbers(const Machine& m, const Op& op, const float* gate, const float* up, float* y, size_t n) {
  if (op.gate_limit == 0) return m.kernels->gate(op.activation, gate, up, y, n);
  // g / (1 + exp(-slope g)) is silu(slope g) / slope.
  constexpr float kSlope = 1.702f;
  constexpr size_t kStep = 64;  // whole vectors: elements keep their places
  for (size_t first = 0; first < n; first += kStep) {
    const size_t part = std::min(kStep, n - first);
    float g[kStep], u[kStep];
    for (size_t i = 0; i < part; ++i) {
      g[i] = kSlope * std::min(gate[first + i], op.gate_limit);
      u[i] = (std::clamp(up[first + i], -op.gate_limit, op.gate_limit) + 1.0f) / kSlope;
    }
    m.kernels->gate(op.activation, g, u, y + first, part);
  }
}

uint32_t ColumnsPerRow(const Plan& plan, const Op& op) {
  const uint64_t cols = plan.weights[static_cast<size_t>(op.parts[0].weight)].cols;
  return static_cast<uint32_t>(plan.values[static_cast<size_t>(op.in)].width / cols);
}

uint32_t CountExpertTasks(const Machine& m, const ExpertGroups& groups, const Op& op) {
  size_t tiles = 0;
  for (size_t p = 0; p < PartsInStep(op); ++p) {
    const Weight& w = WeightOf(m, op.parts[p].weight);
    const size_t rows = RowsOfTask(m, groups, w);
    tiles += (w.rows + rows - 1) / rows;
  }
  return static_cast<uint32_t>(tiles * groups.active.size());
}

void RunExperts(const Machine& m, const RunState& state, const ExpertGroups& groups, const Op& op, TaskQueue& queue,
                float* scratch) {
  Task task(m, state, op, UsedOf(*m.plan, op), scratch);
  for (uint32_t done = 0;; ++done) {
    size_t rest = queue.Claim(), p = 0, rows = 0, tiles = 0;
    // Experts of a part one after the other, the tiles of an expert together.
    for (; p < PartsInStep(op); ++p) {
      const Weight& w = WeightOf(m, op.parts[p].weight);
      rows = RowsOfTask(m, groups, w);
      tiles = (w.rows + rows - 1) / rows;
      if (rest < tiles * groups.active.size()) break;
      rest -= tiles * groups.active.size();
    }
    if (p == PartsInStep(op) || state.stop->load(std::memory_order_relaxed)) return queue.MarkDone(done);
    const uint32_t expert = groups.active[rest / tiles];
    const size_t row = rest % tiles * rows;
    const size_t end = std::min(row + rows, static_cast<size_t>(WeightOf(m, op.parts[p].weight).rows));
    const uint32_t first = groups.begin[expert];
    task.Run(expert, groups.places.data() + first, groups.begin[expert + size_t{1}] - first, p, row, end);
  }
}

void RunStreamedExperts(const Machine& m, const RunState& state, const ExpertGroups& groups, const Op& op,
                        uint32_t routing, uint32_t stage, TaskQueue& queue, float* scratch) {
  ExpertSource& source = *m.plan->experts;
  Task task(m, state, op, UsedOf(*m.plan, op), scratch);
  // All tasks of an expert together, its parts one after the other: then its memory may go to the next.
  const uint32_t tasks = CountExpertTasks(m, groups, op);
  const uint32_t tasks_of_expert = groups.active.empty() ? 1 : tasks / static_cast<uint32_t>(groups.active.size());
  for (uint32_t done = 0;; ++done) {
    const uint32_t claimed = queue.Claim();
    if (claimed >= tasks || state.stop->load(std::memory_order_relaxed)) {
      // Sleeps as long as others wait for the disk.
      if (claimed >= tasks) source.AwaitLast(routing, stage, *state.stop);
      return queue.MarkDone(done);
    }
    ReadyExpert ready;
    const uint32_t index = claimed / tasks_of_expert;
    // After a failed read tasks count as done, so that every thread finds its way out of the phase.
    if (!source.Take(stage, index, *state.stop, &ready)) continue;
    size_t rest = claimed % tasks_of_expert, p = 0, rows = 0;
    for (;; ++p) {
      const Weight& w = WeightOf(m, op.parts[p].weight);
      rows = RowsOfTask(m, groups, w);
      const size_t tiles = (w.rows + rows - 1) / rows;
      if (rest < tiles) break;
      rest -= tiles;
    }
    const size_t row = rest * rows;
    const size_t end = std::min(row + rows, static_cast<size_t>(WeightOf(m, op.parts[p].weight).rows));
    const uint32_t first = groups.begin[ready.expert];
    task.Run(ready.expert, groups.places.data() + first, groups.begin[ready.expert + size_t{1}] - first, p, row, end,
             &ready);
    source.Done(stage, index, tasks_of_expert);
  }
}

size_t ExpertScratchFloats(const Plan& plan, const Op& op) {
  return 2 * kTileFloats + 2 * Task::GatherBytes(plan, op.parts[0]) / sizeof(float);
}

void SumExperts(const Machine& m, const Op& op, size_t row) {
  const uint32_t used = m.plan->routes[static_cast<size_t>(op.route)].used;
  const size_t n = m.plan->values[static_cast<size_t>(op.out)].width;
  const float* x = m.Row(op.in, row);
  const float* weights = m.Row(op.in2, row);
  float* out = m.Row(op.out, row);
  std::memset(out, 0, n * sizeof(float));
  for (uint32_t rank = 0; rank < used; ++rank) m.kernels->axpy(out, x + rank * n, weights[rank], n);
}

}  // namespace zell::backend
