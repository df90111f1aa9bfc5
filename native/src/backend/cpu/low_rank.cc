#include "backend/cpu/low_rank.h"

#include <algorithm>

#include "backend/cpu/run_state.h"

namespace zell::backend {
namespace {

// Columns of one task: enough to unpack A seldom, few enough for all threads to get some.
constexpr size_t kMostColumns = 64;
// Multiply-adds between two looks at the stop flag, as for tiles.
constexpr size_t kMostWork = 4 * 1024 * 1024;

quant::TensorType ProductType(const LowRank& low) {
  return low.type == kernels::LowRankType::kF32   ? quant::TensorType::kF32
         : low.type == kernels::LowRankType::kF16 ? quant::TensorType::kF16
                                                  : quant::TensorType::kQ8_0;
}

// Narrow rows begin at cache lines.
size_t Padded(uint32_t rank) { return (size_t{rank} + 15) / 16 * 16; }

const LowRank& ProductOf(const AdapterRows& rows, WeightId weight) {
  return rows.adapter->products[static_cast<size_t>(weight)];
}

// Rows by the item that each belongs to.
template <typename ItemOf>
void FillRows(const Batch& batch, size_t n, const ItemOf& item_of, std::vector<AdapterRows>& out) {
  out.clear();
  for (const BatchItem& item : batch.items) {
    for (const AdapterUse& use : item.adapters) {
      const auto same = [&](const AdapterRows& r) { return r.adapter == use.adapter; };
      if (std::none_of(out.begin(), out.end(), same)) out.push_back({use.adapter, {}, std::vector<float>(n, 0.0f)});
    }
  }
  std::sort(out.begin(), out.end(),
            [](const AdapterRows& a, const AdapterRows& b) { return a.adapter->id < b.adapter->id; });
  for (AdapterRows& rows : out) {
    for (size_t row = 0; row < n; ++row) {
      const std::vector<AdapterUse>& uses = batch.items[item_of(row)].adapters;
      const auto use =
          std::find_if(uses.begin(), uses.end(), [&](const AdapterUse& u) { return u.adapter == rows.adapter; });
      if (use == uses.end()) continue;
      rows.scales[row] = use->scale;
      if (!rows.runs.empty() && rows.runs.back().second == row) {
        ++rows.runs.back().second;
      } else {
        rows.runs.emplace_back(row, row + 1);
      }
    }
  }
}

// Calls with every run of an adapter inside [first, end).
template <typename Use>
void ForRuns(const AdapterRows& rows, size_t first, size_t end, const Use& use) {
  for (const auto& [begin, stop] : rows.runs) {
    const size_t from = std::max(begin, first), to = std::min(stop, end);
    if (from < to) use(from, to - from);
  }
}

}  // namespace

void FindAdapterRows(const Batch& batch, LowRankState& state) {
  state.tokens.clear();
  state.outputs.clear();
  const auto adapted = [](const BatchItem& item) { return !item.adapters.empty(); };
  if (std::none_of(batch.items.begin(), batch.items.end(), adapted)) return;
  std::vector<size_t> item_of;
  for (size_t i = 0; i < batch.items.size(); ++i) item_of.insert(item_of.end(), batch.items[i].tokens.size(), i);
  FillRows(
      batch, item_of.size(), [&](size_t row) { return item_of[row]; }, state.tokens);
}

void FindOutputAdapterRows(const Batch& batch, size_t first, size_t n, LowRankState& state) {
  if (!state.any()) return;
  FillRows(
      batch, n, [&](size_t row) { return batch.outputs[first + row].item; }, state.outputs);
}

bool ReserveLowRank(const Machine& m, RunState& state) {
  if (!state.low_rank.any()) return true;
  size_t most = 0;
  for (const Op& op : m.plan->body) {
    most = std::max(most, LowRankOp::NarrowFloats(op, state.low_rank.tokens, state.rows.size()));
  }
  const size_t outputs = std::min(state.batch->outputs.size(), kHeadRows);
  for (const Op& op : m.plan->head) {
    most = std::max(most, LowRankOp::NarrowFloats(op, state.low_rank.tokens, outputs));
  }
  return state.low_rank.narrow.Reserve(most);
}

size_t LowRankOp::NarrowFloats(const Op& op, const std::vector<AdapterRows>& adapters, size_t n) {
  size_t floats = 0;
  for (const MatmulPart& part : op.parts) {
    for (const AdapterRows& rows : adapters) floats += n * Padded(ProductOf(rows, part.weight).rank);
  }
  return floats;
}

LowRankOp::LowRankOp(const Machine& m, const RunState& state, const Op& op)
    : m_(m), state_(state), op_(op), adapters_(nullptr) {
  if (!state.low_rank.any()) return;
  const Value& in = m.plan->values[static_cast<size_t>(op.in)];
  const auto& adapters = in.rows == Rows::kTokens ? state.low_rank.tokens : state.low_rank.outputs;
  uint32_t most_rank = 0;
  for (const MatmulPart& part : op.parts) {
    for (const AdapterRows& rows : adapters) most_rank = std::max(most_rank, ProductOf(rows, part.weight).rank);
  }
  if (most_rank == 0) return;
  adapters_ = &adapters;
  n_ = state.RowCount(in.rows);
  chunk_ = std::clamp<size_t>(kMostWork / (size_t{most_rank} * in.width), 1, kMostColumns);
  chunks_ = (n_ + chunk_ - 1) / chunk_;
  tasks_ = static_cast<uint32_t>(op.parts.size() * adapters.size() * chunks_);
}

std::optional<LowRankOp::Narrow> LowRankOp::NarrowOf(uint32_t task) const {
  Narrow narrow{task % chunks_ * chunk_, nullptr, nullptr, state_.low_rank.narrow.data()};
  size_t index = task / chunks_;
  for (const MatmulPart& part : op_.parts) {
    for (const AdapterRows& rows : *adapters_) {
      narrow.low = &ProductOf(rows, part.weight);
      narrow.rows = &rows;
      if (index-- == 0) return narrow.low->rank == 0 ? std::nullopt : std::optional(narrow);
      narrow.out += n_ * Padded(narrow.low->rank);
    }
  }
  return std::nullopt;
}

const uint8_t* LowRankOp::MatrixOf(uint32_t task) const {
  const std::optional<Narrow> narrow = NarrowOf(task);
  return narrow ? narrow->low->a : nullptr;
}

bool LowRankOp::RunTask(uint32_t task, const uint8_t* next) const {
  const std::optional<Narrow> narrow = NarrowOf(task);
  if (!narrow) return false;
  bool asked = false;
  const LowRank& low = *narrow->low;
  const quant::TensorType type = ProductType(low);
  const kernels::ActivationFormat format = kernels::FormatFor(type);
  const size_t stride = Padded(low.rank), k = m_.plan->values[static_cast<size_t>(op_.in)].width;
  const size_t x_stride = kernels::ActivationBytes(format, k);
  const uint8_t* x = m_.activations[static_cast<size_t>(format)].data();
  ForRuns(*narrow->rows, narrow->column, narrow->column + chunk_, [&](size_t first, size_t n) {
    kernels::MatmulArgs args{};
    args.w = low.a;
    args.w_stride = low.a_row_bytes;
    args.rows = low.rank;
    args.x = x + first * x_stride;
    args.x_stride = x_stride;
    args.cols = n;
    args.k = k;
    args.y = narrow->out + first * stride;
    args.y_stride = stride;
    args.next = next;
    m_.kernels->matmul(type, args);
    asked = low.type == kernels::LowRankType::kInt8;
  });
  return asked;
}

std::span<const uint8_t> LowRankOp::PanelsOf(const MatmulPart& part, size_t row, size_t rows) const {
  if (adapters_ == nullptr) return {};
  // One adapter is the common case; others come without being asked for.
  const LowRank& low = ProductOf(adapters_->front(), part.weight);
  const size_t panel_bytes = kernels::LowRankPanelBytes(low.type, low.rank);
  if (low.rank == 0) return {};
  return {low.b + row / kernels::kLowRankRows * panel_bytes,
          (rows + kernels::kLowRankRows - 1) / kernels::kLowRankRows * panel_bytes};
}

void LowRankOp::Add(const TaskQueue& queue, const MatmulPart& wanted, size_t row, size_t rows, size_t column,
                    size_t columns, float* y, size_t y_stride) const {
  if (adapters_ == nullptr || !queue.WaitFirst(tasks_, *state_.stop)) return;
  const float* narrow = state_.low_rank.narrow.data();
  for (const MatmulPart& part : op_.parts) {
    for (const AdapterRows& used : *adapters_) {
      const LowRank& low = ProductOf(used, part.weight);
      const size_t stride = Padded(low.rank);
      const float* u = narrow;
      narrow += n_ * stride;
      if (&part != &wanted || low.rank == 0) continue;
      kernels::LowRankArgs args{};
      args.b = low.b + row / kernels::kLowRankRows * kernels::LowRankPanelBytes(low.type, low.rank);
      args.type = low.type;
      args.rank = low.rank;
      args.rows = rows;
      args.u_stride = stride;
      args.factor = low.factor;
      args.y_stride = y_stride;
      ForRuns(used, column, column + columns, [&](size_t first, size_t n) {
        args.u = u + first * stride;
        args.scales = used.scales.data() + first;
        args.cols = n;
        args.y = y + (first - column) * y_stride;
        m_.kernels->add_low_rank(args);
      });
    }
  }
}

bool LowRankNeeds(const RunState& state, const Plan& plan, const Op& op, kernels::ActivationFormat format) {
  const Value& in = plan.values[static_cast<size_t>(op.in)];
  const auto& adapters = in.rows == Rows::kTokens ? state.low_rank.tokens : state.low_rank.outputs;
  for (const MatmulPart& part : op.parts) {
    for (const AdapterRows& rows : adapters) {
      const LowRank& low = ProductOf(rows, part.weight);
      if (low.rank != 0 && kernels::FormatFor(ProductType(low)) == format) return true;
    }
  }
  return false;
}

void AddToEmbedding(const Machine& m, const RunState& state, const Op& op, size_t row) {
  const size_t token = static_cast<size_t>(state.rows[row].token);
  for (const AdapterRows& used : state.low_rank.tokens) {
    const LowRank& low = used.adapter->embeddings[static_cast<size_t>(op.weight)];
    if (low.rank == 0 || used.scales[row] == 0.0f) continue;
    kernels::LowRankArgs args{};
    args.b = low.b;
    args.type = low.type;
    args.rank = low.rank;
    args.rows = m.plan->values[static_cast<size_t>(op.out)].width;
    args.u = reinterpret_cast<const float*>(low.a + token * low.a_row_bytes);
    args.u_stride = low.rank;
    args.scales = &used.scales[row];
    args.factor = low.factor;
    args.cols = 1;
    args.y = m.Row(op.out, row);
    args.y_stride = args.rows;
    m.kernels->add_low_rank(args);
  }
}

}  // namespace zell::backend
