#include "backend/cpu/attention.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/kv_rows.h"
#include "backend/cpu/softmax_state.h"
#include "backend/hadamard.h"

namespace zell::backend {
namespace {

static_assert(kBlockTokens == kernels::kAttendTokens);

// Items with at most so many tokens split their context between tasks: a decode step over a long text.
constexpr size_t kMostSplitTokens = 4;

size_t FloatStride(size_t n) { return kernels::ActivationBytes(kernels::ActivationFormat::kF32, n) / sizeof(float); }

// The sizes of one op, and where its scratch lies. All strides in floats.
struct Shape {
  Shape(const Plan& plan, const Op& op)
      : group(plan.kv_groups[static_cast<size_t>(op.kv_group)]),
        layout(group),
        heads_per_kv(op.heads / group.kv_heads),
        tile_rows(std::max<size_t>(1, kAttentionColumns / heads_per_kv)),
        columns(tile_rows * heads_per_kv),
        key_stride(FloatStride((group.key_dim + size_t{31}) / 32 * 32)),
        value_stride(FloatStride((group.value_dim + size_t{31}) / 32 * 32)) {}

  size_t ScratchFloats() const {
    return columns * (key_stride + kBlockTokens + 2 * value_stride + kernels::kAttendLanes) +
           3 * FloatStride(2 * columns) + FloatStride(layout.KeyElements() + layout.ValueElements());
  }

  const KvGroup& group;
  KvLayout layout;
  size_t heads_per_kv;
  size_t tile_rows;
  size_t columns;
  size_t key_stride, value_stride;
};

// The first position that a token sees.
size_t FirstSeen(const KvGroup& group, uint32_t position) {
  return group.window == 0 || position < group.window ? 0 : position - group.window + 1;
}

// What a query sees of the block from `base` on.
kernels::SeenTokens SeenOf(const KvGroup& group, const TokenRow& row, size_t base) {
  const auto within = [base](size_t p) {
    return static_cast<uint32_t>(p <= base ? 0 : std::min(p - base, kBlockTokens));
  };
  return {within(FirstSeen(group, row.position)), within(row.last_seen + size_t{1})};
}

const float* SinkOf(const Machine& m, const Op& op, size_t head) {
  if (op.sinks < 0) return nullptr;
  return reinterpret_cast<const float*>(m.plan->weights[static_cast<size_t>(op.sinks)].data) + head;
}

// One tile of queries (columns: rows × the query heads of one KV head) against its context.
class Tile {
 public:
  Tile(const Machine& m, const RunState& state, const Op& op, const Shape& shape, size_t kv_head, float* scratch)
      : m_(m), state_(state), op_(op), s_(shape), kv_head_(kv_head) {
    const auto take = [&](size_t n) {
      float* p = scratch;
      scratch += n;
      return p;
    };
    queries_ = take(s_.columns * s_.key_stride);
    scores_ = take(s_.columns * kBlockTokens);
    chunk_values_ = take(s_.columns * s_.value_stride);
    total_values_ = take(s_.columns * s_.value_stride);
    chunk_sums_ = take(s_.columns * kernels::kAttendLanes);
    chunk_max_ = take(FloatStride(2 * s_.columns));
    seen_ = reinterpret_cast<kernels::SeenTokens*>(take(FloatStride(2 * s_.columns)));
    total_ = reinterpret_cast<SoftmaxState*>(take(FloatStride(2 * s_.columns)));
    gathered_ = reinterpret_cast<uint16_t*>(scratch);
  }

  void Load(size_t first_row, size_t n_rows) {
    first_row_ = first_row;
    n_rows_ = n_rows;
    for (size_t r = 0; r < n_rows; ++r) {
      const float* q = m_.Row(op_.in, first_row + r) + kv_head_ * s_.heads_per_kv * op_.head_dim;
      for (size_t h = 0; h < s_.heads_per_kv; ++h, q += op_.head_dim) {
        float* column = queries_ + (r * s_.heads_per_kv + h) * s_.key_stride;
        if (s_.group.type == KvType::kF16) {
          m_.kernels->attend_query(q, op_.scale, column, op_.head_dim);
        } else {
          LoadQuantised(q, column);
        }
      }
    }
    item_ = &state_.batch->items[state_.rows[first_row].item];
    tree_ = !item_->parents.empty();
    last_position_ = 0;
    first_seen_ = SIZE_MAX;
    for (size_t r = 0; r < n_rows; ++r) {
      const TokenRow& row = state_.rows[first_row + r];
      last_position_ = std::max(last_position_, row.last_seen);
      first_seen_ = std::min(first_seen_, FirstSeen(s_.group, row.position));
    }
    for (size_t c = 0; c < Columns(); ++c) total_[c] = SoftmaxState{};
    std::fill_n(total_values_, Columns() * s_.value_stride, 0.0f);
  }

  // Leaves one chunk's sums in chunk_max_, chunk_sums_ and chunk_values_.
  void RunChunk(size_t chunk) {
    std::fill_n(chunk_max_, Columns(), -std::numeric_limits<float>::infinity());
    std::fill_n(chunk_sums_, Columns() * kernels::kAttendLanes, 0.0f);
    std::fill_n(chunk_values_, Columns() * s_.value_stride, 0.0f);
    const size_t end = std::min<size_t>((chunk + 1) * kChunkTokens, last_position_ + size_t{1});
    const size_t begin = std::max(chunk * kChunkTokens, first_seen_ / kBlockTokens * kBlockTokens);
    for (size_t base = begin; base < end; base += kBlockTokens) RunBlock(base);
  }

  void JoinChunk() {
    for (size_t c = 0; c < Columns(); ++c) {
      const SoftmaxState chunk = ChunkOf(c);
      if (chunk.sum == 0.0f) continue;  // this query sees nothing of the chunk
      Join(total_[c], total_values_ + c * s_.value_stride, chunk, chunk_values_ + c * s_.value_stride,
           s_.group.value_dim);
    }
  }

  void StoreTotal() {
    for (size_t c = 0; c < Columns(); ++c) {
      float* out = m_.Row(op_.out, first_row_ + c / s_.heads_per_kv) + HeadOf(c) * s_.group.value_dim;
      const float* values = total_values_ + c * s_.value_stride;
      const float scale = Finish(total_[c], SinkOf(m_, op_, HeadOf(c)));
      for (size_t i = 0; i < s_.group.value_dim; ++i) out[i] = values[i] * scale;
      if (s_.group.rotates()) RotateHadamard(out, s_.group.value_dim);
    }
  }

  // Partials: [split row][head][chunk] → max, sum, values.
  void StorePartial(size_t chunk) {
    for (size_t c = 0; c < Columns(); ++c) {
      const size_t split = static_cast<size_t>(state_.rows[first_row_ + c / s_.heads_per_kv].split);
      const size_t size = s_.group.value_dim + 2;
      float* out = m_.partials.data() + ((split * op_.heads + HeadOf(c)) * state_.max_chunks + chunk) * size;
      const SoftmaxState state = ChunkOf(c);
      out[0] = state.max;
      out[1] = state.sum;
      std::memcpy(out + 2, chunk_values_ + c * s_.value_stride, s_.group.value_dim * sizeof(float));
    }
  }

 private:
  size_t Columns() const { return n_rows_ * s_.heads_per_kv; }
  size_t HeadOf(size_t column) const { return kv_head_ * s_.heads_per_kv + column % s_.heads_per_kv; }

  // A column's sum over the chunk: the lanes fold as every sum does.
  SoftmaxState ChunkOf(size_t column) const {
    float lanes[kernels::kAttendLanes];
    std::copy_n(chunk_sums_ + column * kernels::kAttendLanes, kernels::kAttendLanes, lanes);
    for (size_t width = kernels::kAttendLanes / 2; width > 0; width /= 2) {
      for (size_t i = 0; i < width; ++i) lanes[i] += lanes[i + width];
    }
    return {chunk_max_[column], lanes[0]};
  }

  // A query as keys of fewer bits than f16 want it.
  void LoadQuantised(const float* q, float* column) {
    const size_t dim = op_.head_dim, padded = kernels::KvGroups(dim) * kernels::kKvGroup;
    float* scaled = reinterpret_cast<float*>(gathered_);  // still unused
    m_.kernels->attend_query(q, op_.scale, scaled, dim);
    if (s_.group.rotates()) RotateHadamard(scaled, dim);
    std::fill(scaled + dim, scaled + padded, 0.0f);
    m_.kernels->quantize(kernels::ActivationFormat::kQ8, scaled, column, padded);
  }

  void RunBlock(size_t base) {
    for (size_t c = 0; c < Columns(); ++c) {
      seen_[c] = SeenOf(s_.group, state_.rows[first_row_ + c / s_.heads_per_kv], base);
    }
    // Positions grow from column to column: those that see anything of the block lie together.
    size_t first = 0, end = Columns();
    while (first < end && seen_[first].first == seen_[first].end) ++first;
    while (first < end && seen_[end - 1].first == seen_[end - 1].end) --end;
    if (first == end) return;
    kernels::AttendArgs args{};
    FindBlock(base, &args.keys, &args.values);
    args.next_keys = NextKeys(base);
    args.cols = end - first;
    args.queries = queries_ + first * s_.key_stride;
    args.query_stride = s_.key_stride;
    args.key_dim = s_.group.key_dim;
    args.value_dim = s_.group.value_dim;
    args.scores = scores_ + first * kBlockTokens;
    args.seen = seen_ + first;
    args.max = chunk_max_ + first;
    args.sums = chunk_sums_ + first * kernels::kAttendLanes;
    args.acc = chunk_values_ + first * s_.value_stride;
    args.acc_stride = s_.value_stride;
    m_.kernels->kv[static_cast<size_t>(KeyType(s_.group.type))].scores(args);
    if (op_.soft_cap > 0) m_.kernels->soft_cap(args.scores, op_.soft_cap, args.cols * kBlockTokens);
    m_.kernels->kv[static_cast<size_t>(ValueType(s_.group.type))].values(args);
  }

  const uint16_t* NextKeys(size_t base) const {
    if (tree_ || base + kBlockTokens > last_position_) return nullptr;
    const uint8_t* block = item_->blocks[static_cast<size_t>(op_.kv_group)][base / kBlockTokens + 1];
    return reinterpret_cast<const uint16_t*>(block) + s_.layout.Keys(op_.kv_layer, kv_head_);
  }

  // Keys and values of the 32 positions from `base` on, for the tile's KV head.
  void FindBlock(size_t base, const uint16_t** keys, const uint16_t** values) {
    const size_t group = static_cast<size_t>(op_.kv_group);
    const size_t keys_at = s_.layout.Keys(op_.kv_layer, kv_head_), values_at = s_.layout.Values(op_.kv_layer, kv_head_);
    if (!tree_ || base + kBlockTokens <= item_->start) {
      const uint16_t* block = reinterpret_cast<const uint16_t*>(item_->blocks[group][base / kBlockTokens]);
      *keys = block + keys_at;
      *values = block + values_at;
      return;
    }
    // A tree's token sees the committed text, then its own ancestors: put their rows where a chain would have them.
    const std::vector<uint32_t>& path = state_.paths[first_row_];
    uint16_t* k = gathered_;
    uint16_t* v = gathered_ + s_.layout.KeyElements();
    std::fill(k, v + s_.layout.ValueElements(), uint16_t{0});
    for (size_t slot = 0; slot < kBlockTokens && base + slot <= last_position_; ++slot) {
      const size_t position = base + slot;
      const bool own = position >= item_->start;
      const size_t at = own ? path[position - item_->start] : position, token = at % kBlockTokens;
      uint8_t* block = (own ? item_->tree_blocks : item_->blocks)[group][at / kBlockTokens];
      uint16_t* from = reinterpret_cast<uint16_t*>(block);
      CopyKeyRow(s_.group, {from + keys_at, token}, {k, slot});
      CopyValueRow(s_.group, {from + values_at, token}, {v, slot});
    }
    *keys = k;
    *values = v;
  }

  const Machine& m_;
  const RunState& state_;
  const Op& op_;
  const Shape& s_;
  const size_t kv_head_;
  const BatchItem* item_ = nullptr;
  bool tree_ = false;
  size_t first_row_ = 0, n_rows_ = 0;
  uint32_t last_position_ = 0;
  size_t first_seen_ = 0;  ///< by any query of the tile
  float *queries_, *scores_, *chunk_values_, *total_values_, *chunk_sums_, *chunk_max_;
  kernels::SeenTokens* seen_;
  SoftmaxState* total_;
  uint16_t* gathered_;
};

// indices in the item from the root down to `token`.
std::vector<uint32_t> PathOf(std::span<const int32_t> parents, uint32_t token) {
  std::vector<uint32_t> path;
  for (int32_t t = static_cast<int32_t>(token); t >= 0; t = parents[static_cast<size_t>(t)]) {
    path.push_back(static_cast<uint32_t>(t));
  }
  std::reverse(path.begin(), path.end());
  return path;
}

uint32_t ChunksOf(uint32_t position) { return static_cast<uint32_t>(position / kChunkTokens + 1); }

}  // namespace

void PlanAttention(RunState& state) {
  state.tasks.clear();
  state.paths.assign(state.rows.size(), {});
  state.n_split = state.max_chunks = 0;
  size_t first = 0;
  for (const BatchItem& item : state.batch->items) {
    const size_t n = item.tokens.size();
    const bool tree = !item.parents.empty();
    for (size_t i = 0; i < n; ++i) {
      if (tree) state.paths[first + i] = PathOf(item.parents, static_cast<uint32_t>(i));
    }
    // Few queries over more than one chunk: a task for each chunk. A tree's tokens each see another context.
    const bool split = n <= kMostSplitTokens && ChunksOf(item.start + static_cast<uint32_t>(n) - 1) > 1;
    const size_t tile = tree ? 1 : split ? n : SIZE_MAX;
    for (size_t i = 0; i < n;) {
      const size_t rows = std::min({tile, n - i, state.attention_rows});
      const uint32_t row = static_cast<uint32_t>(first + i);
      uint32_t chunks = 0;
      for (size_t r = 0; r < rows; ++r) chunks = std::max(chunks, ChunksOf(state.rows[row + r].last_seen));
      if (split) {
        for (size_t r = 0; r < rows; ++r) state.rows[row + r].split = static_cast<int32_t>(state.n_split++);
        for (uint32_t c = 0; c < chunks; ++c) state.tasks.push_back({row, static_cast<uint32_t>(rows), c, c + 1});
        state.max_chunks = std::max<size_t>(state.max_chunks, chunks);
      } else {
        state.tasks.push_back({row, static_cast<uint32_t>(rows), 0, chunks});
      }
      i += rows;
    }
    first += n;
  }
}

size_t AttentionPartialFloats(const Plan& plan, const Op& op, const RunState& state) {
  const KvGroup& group = plan.kv_groups[static_cast<size_t>(op.kv_group)];
  return state.n_split * state.max_chunks * op.heads * (group.value_dim + size_t{2});
}

size_t AttentionScratchFloats(const Plan& plan, const Op& op) { return Shape(plan, op).ScratchFloats(); }

size_t AttentionTileRows(const Plan& plan, const Op& op) { return Shape(plan, op).tile_rows; }

uint32_t CountAttentionTasks(const Machine& m, const RunState& state, const Op& op) {
  return static_cast<uint32_t>(state.tasks.size() * m.plan->kv_groups[static_cast<size_t>(op.kv_group)].kv_heads);
}

void RunAttention(const Machine& m, const RunState& state, const Op& op, TaskQueue& queue, float* scratch) {
  const Shape shape(*m.plan, op);
  const uint32_t n_tasks = CountAttentionTasks(m, state, op);
  for (uint32_t done = 0;; ++done) {
    const uint32_t claimed = queue.Claim();
    if (claimed >= n_tasks) return queue.MarkDone(done);
    const AttentionTask& task = state.tasks[claimed / shape.group.kv_heads];
    Tile tile(m, state, op, shape, claimed % shape.group.kv_heads, scratch);
    tile.Load(task.first_row, task.n_rows);
    const bool split = state.rows[task.first_row].split >= 0;
    for (uint32_t chunk = task.first_chunk; chunk < task.end_chunk; ++chunk) {
      if (state.stop->load(std::memory_order_relaxed)) return;
      tile.RunChunk(chunk);
      if (split) {
        tile.StorePartial(chunk);
      } else {
        tile.JoinChunk();
      }
    }
    if (!split) tile.StoreTotal();
  }
}

void CombineAttention(const Machine& m, const RunState& state, const Op& op, size_t row) {
  const TokenRow& r = state.rows[row];
  if (r.split < 0) return;
  const KvGroup& group = m.plan->kv_groups[static_cast<size_t>(op.kv_group)];
  const size_t dim = group.value_dim, first_chunk = FirstSeen(group, r.position) / kChunkTokens;
  for (size_t head = 0; head < op.heads; ++head) {
    float* out = m.Row(op.out, row) + head * dim;
    std::memset(out, 0, dim * sizeof(float));
    SoftmaxState total;
    const float* part = m.partials.data() +
                        ((static_cast<size_t>(r.split) * op.heads + head) * state.max_chunks + first_chunk) * (dim + 2);
    for (size_t chunk = first_chunk; chunk < ChunksOf(r.last_seen); ++chunk, part += dim + 2) {
      Join(total, out, SoftmaxState{part[0], part[1]}, part + 2, dim);
    }
    const float scale = Finish(total, SinkOf(m, op, head));
    for (size_t i = 0; i < dim; ++i) out[i] *= scale;
    if (group.rotates()) RotateHadamard(out, dim);
  }
}

}  // namespace zell::backend
