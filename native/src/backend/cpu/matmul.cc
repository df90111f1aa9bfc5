#include "backend/cpu/matmul.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backend/cpu/row_ops.h"

namespace zell::backend {
namespace {

// Floats of one product tile kept for an epilogue: two of them fit into a core's second-level cache.
constexpr size_t kTileFloats = 32 * 1024;
// Quantised activations that one kernel call walks over at a time stay below this, for the same reason: kernels take up
// to so many numbers of each column at once.
constexpr size_t kColumnBytes = 384 * 1024;
constexpr size_t kPanelLength = 1024;
// Multiply-adds between two looks at the stop flag: some 5 ms of scalar kernels, 1 ms of others.
constexpr size_t kMostScalarWork = 4 * 1024 * 1024, kMostVectorWork = 64 * 1024 * 1024;
// Columns that every kernel takes without a rest.
constexpr size_t kColumnStep = 32;
// Tiles start at multiples of this, so that element-wise kernels see each element at the same place of their vectors.
constexpr size_t kRowStep = 32;

// Up to so many columns memory, not multiplication, is what a product takes its time for.
constexpr size_t kFewColumns = 16;

struct Tiling {
  size_t rows;     // of the weights in one tile
  size_t columns;  // in one kernel call
};

Tiling TilingOf(const Machine& m, const Op& op, const Weight& w, size_t columns, size_t column_bytes) {
  const size_t most_work = m.kernels->isa == kernels::Isa::kScalar ? kMostScalarWork : kMostVectorWork;
  size_t rows = w.rows / (static_cast<size_t>(m.threads) * 8);
  rows = std::min(rows, most_work / std::max<size_t>(1, w.cols * std::min<size_t>(columns, 64)));
  rows = std::max(rows, m.kernels->row_granule(w.type, columns));
  rows = std::clamp((rows + kRowStep - 1) / kRowStep * kRowStep, kRowStep, size_t{256});
  const size_t panel_bytes = column_bytes * std::min(w.cols, kPanelLength) / w.cols;
  size_t most_columns = std::clamp(kColumnBytes / panel_bytes, kColumnStep, size_t{1024});
  most_columns = std::min(most_columns, most_work * 4 / (rows * w.cols));
  if (op.epilogue != Epilogue::kStore) most_columns = std::min(most_columns, kTileFloats / rows);
  most_columns = most_columns >= kColumnStep ? most_columns / kColumnStep * kColumnStep : 16;
  return {rows, most_columns};
}

const Weight& WeightOf(const Machine& m, WeightId id) { return m.plan->weights[static_cast<size_t>(id)]; }

// Fused gate and up share tiles, so only the first part counts.
size_t TiledParts(const Op& op) { return op.epilogue == Epilogue::kGate ? 1 : op.parts.size(); }

size_t TilesOf(const Machine& m, const Op& op, size_t part, size_t columns, Tiling* tiling) {
  const Weight& w = WeightOf(m, op.parts[part].weight);
  const Tiling t = TilingOf(m, op, w, columns, kernels::ActivationBytes(kernels::FormatFor(w.type), w.cols));
  if (tiling != nullptr) *tiling = t;
  return (w.rows + t.rows - 1) / t.rows;
}

// A matmul's adapters, and where the phase's threads meet.
struct Adapted {
  const LowRankOp& low_rank;
  const TaskQueue& queue;
};

// Some rows of a part.
struct Tile {
  size_t part;
  size_t row;
  size_t rows;
  Tiling tiling;
};

// The tile that is task number `task`; none beyond the last.
std::optional<Tile> FindTile(const Machine& m, const Op& op, size_t n, size_t task) {
  for (size_t p = 0; p < TiledParts(op); ++p) {
    Tile tile{p, 0, 0, {}};
    const size_t tiles = TilesOf(m, op, p, n, &tile.tiling);
    if (task < tiles) {
      tile.row = task * tile.tiling.rows;
      tile.rows = std::min(tile.tiling.rows, static_cast<size_t>(WeightOf(m, op.parts[p].weight).rows) - tile.row);
      return tile;
    }
    task -= tiles;
  }
  return std::nullopt;
}

const uint8_t* RowsOf(const Machine& m, const MatmulPart& part, size_t row) {
  const Weight& w = WeightOf(m, part.weight);
  return w.data + row * w.row_bytes;
}

// What task number `task` of an op, its adapters' ones first, multiplies with; null beyond the last.
const uint8_t* FirstRowsOf(const Machine& m, const RunState& state, const Op& op, size_t n, uint32_t task) {
  const LowRankOp low_rank(m, state, op);
  if (task < low_rank.tasks()) return low_rank.MatrixOf(task);
  const std::optional<Tile> tile = FindTile(m, op, n, task - low_rank.tasks());
  return tile ? RowsOf(m, op.parts[tile->part], tile->row) : nullptr;
}

// y [columns][y_stride] = rows [row, row + rows) of a part for columns [column, column + columns), bias and adapters
// included.
void Product(const Machine& m, const Adapted& adapted, const MatmulPart& part, size_t row, size_t rows, size_t column,
             size_t columns, float* y, size_t y_stride, Ahead& ahead) {
  const Weight& w = WeightOf(m, part.weight);
  const kernels::ActivationFormat format = kernels::FormatFor(w.type);
  const size_t x_stride = kernels::ActivationBytes(format, w.cols);
  kernels::MatmulArgs args{};
  args.w = RowsOf(m, part, row);
  args.w_stride = w.row_bytes;
  args.rows = rows;
  args.x = m.activations[static_cast<size_t>(format)].data() + column * x_stride;
  args.x_stride = x_stride;
  args.cols = columns;
  args.k = w.cols;
  args.y = y;
  args.y_stride = y_stride;
  args.next = ahead.next;
  args.asked_for = args.w == ahead.asked;
  ahead.asked = ahead.next;
  const std::span<const uint8_t> panels = adapted.low_rank.PanelsOf(part, row, rows);
  args.then = panels.data();
  args.then_bytes = panels.size();
  m.kernels->matmul(w.type, args);
  if (part.bias >= 0) {
    const float* bias = reinterpret_cast<const float*>(WeightOf(m, part.bias).data) + row;
    for (size_t c = 0; c < columns; ++c) m.kernels->add(y + c * y_stride, bias, rows);
  }
  adapted.low_rank.Add(adapted.queue, part, row, rows, column, columns, y, y_stride);
}

// All columns of one tile of rows, with the op's epilogue.
void RunTile(const Machine& m, const RunState& state, const Adapted& adapted, const Op& op, const Tile& tile, size_t n,
             Ahead& ahead, float* scratch) {
  const MatmulPart& part = op.parts[tile.part];
  const auto& [_, row, rows, tiling] = tile;
  for (size_t column = 0; column < n; column += tiling.columns) {
    if (state.stop->load(std::memory_order_relaxed)) return;
    const size_t columns = std::min(tiling.columns, n - column);
    if (op.epilogue == Epilogue::kStore) {
      const size_t width = m.plan->values[static_cast<size_t>(part.out)].width;
      float* y = m.Row(part.out, column) + part.out_first + row;
      Product(m, adapted, part, row, rows, column, columns, y, width, ahead);
    } else if (op.epilogue == Epilogue::kAddTo) {
      Product(m, adapted, part, row, rows, column, columns, scratch, rows, ahead);
      for (size_t c = 0; c < columns; ++c) {
        AddScaled(m, op.scale, scratch + c * rows, m.Row(part.out, column + c) + row, rows);
      }
    } else if (op.epilogue == Epilogue::kActivate) {
      Product(m, adapted, part, row, rows, column, columns, scratch, rows, ahead);
      for (size_t c = 0; c < columns; ++c) {
        m.kernels->activate(op.activation, scratch + c * rows, m.Row(op.out, column + c) + row, rows);
      }
    } else {
      float* up = scratch + kTileFloats;
      const uint8_t* next = std::exchange(ahead.next, RowsOf(m, op.parts[1], row));
      Product(m, adapted, op.parts[0], row, rows, column, columns, scratch, rows, ahead);
      ahead.next = next;
      Product(m, adapted, op.parts[1], row, rows, column, columns, up, rows, ahead);
      for (size_t c = 0; c < columns; ++c) {
        m.kernels->gate(op.activation, scratch + c * rows, up + c * rows, m.Row(op.out, column + c) + row, rows);
      }
    }
  }
}

}  // namespace

std::vector<kernels::ActivationFormat> FormatsOf(const Plan& plan, const Op& op) {
  std::vector<kernels::ActivationFormat> formats;
  for (const MatmulPart& part : op.parts) {
    const auto format = kernels::FormatFor(plan.weights[static_cast<size_t>(part.weight)].type);
    if (std::find(formats.begin(), formats.end(), format) == formats.end()) formats.push_back(format);
  }
  return formats;
}

size_t MatmulScratchFloats() { return 2 * kTileFloats; }

uint32_t CountMatmulTasks(const Machine& m, const RunState& state, const Op& op) {
  const size_t n = state.RowCount(m.plan->values[static_cast<size_t>(op.in)].rows);
  size_t tasks = LowRankOp(m, state, op).tasks();
  for (size_t p = 0; p < TiledParts(op); ++p) tasks += TilesOf(m, op, p, n, nullptr);
  return static_cast<uint32_t>(tasks);
}

void RunMatmul(const Machine& m, const RunState& state, const Op& op, TaskQueue& queue, Ahead& ahead, float* scratch) {
  const size_t n = state.RowCount(m.plan->values[static_cast<size_t>(op.in)].rows);
  const LowRankOp low_rank(m, state, op);
  const auto tile_of = [&](uint32_t task) {
    return task < low_rank.tasks() ? std::nullopt : FindTile(m, op, n, task - low_rank.tasks());
  };
  // With few columns a thread knows its next task while it works on one.
  const bool looks_ahead = n <= kFewColumns;
  const uint8_t* following = nullptr;
  if (looks_ahead && ahead.op != nullptr) {
    following = FirstRowsOf(m, state, *ahead.op, n, static_cast<uint32_t>(ahead.thread));
  }
  uint32_t task = queue.Claim();
  std::optional<Tile> tile = tile_of(task);
  for (uint32_t done = 0;; ++done) {
    const bool narrow = task < low_rank.tasks();
    if ((!narrow && !tile) || state.stop->load(std::memory_order_relaxed)) return queue.MarkDone(done);
    const uint32_t next_task = looks_ahead ? queue.Claim() : UINT32_MAX;
    std::optional<Tile> next_tile = looks_ahead ? tile_of(next_task) : std::nullopt;
    ahead.next = next_tile                      ? RowsOf(m, op.parts[next_tile->part], next_tile->row)
                 : next_task < low_rank.tasks() ? low_rank.MatrixOf(next_task)
                                                : following;
    if (narrow) {
      ahead.asked = low_rank.RunTask(task, ahead.next) ? ahead.next : nullptr;
      queue.MarkFirstDone();
    } else {
      RunTile(m, state, {low_rank, queue}, op, *tile, n, ahead, scratch);
    }
    task = looks_ahead ? next_task : queue.Claim();
    tile = looks_ahead ? next_tile : tile_of(task);
  }
}

}  // namespace zell::backend
