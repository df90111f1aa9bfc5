// Interprets a plan on the threads of a pool.
#include <algorithm>
#include <string>

#include "backend/backend.h"
#include "backend/cpu/attention.h"
#include "backend/cpu/compiled_plan.h"
#include "backend/cpu/experts.h"
#include "backend/cpu/guess.h"
#include "backend/cpu/input_tap.h"
#include "backend/cpu/matmul.h"
#include "backend/cpu/route.h"
#include "backend/cpu/row_ops.h"
#include "backend/matrix_source.h"
#include "base/thread_pool.h"

namespace zell::backend {
namespace {

// Batches that small are routed by one thread, which then sorts them as well: a decode step has one barrier less.
constexpr size_t kSerialRoute = 4;

// What adapters multiply, whatever the weights beside them do.
constexpr kernels::ActivationFormat kAdapterFormats[] = {kernels::ActivationFormat::kF32,
                                                         kernels::ActivationFormat::kQ8};

base::Status NoScratch() { return {base::StatusCode::kOutOfMemory, "no memory for the scratch of a step"}; }

class CpuExecutor final : public Executor {
 public:
  CpuExecutor(Plan plan, std::shared_ptr<base::ThreadPool> pool, const kernels::Kernels& kernels, InputSums* sums)
      : plan_(std::move(plan)), pool_(std::move(pool)), sums_(sums), guesser_(plan_) {
    m_.plan = &plan_;
    m_.kernels = &kernels;
    m_.threads = pool_->size();
    m_.values.resize(plan_.values.size());
    m_.thread_floats.resize(static_cast<size_t>(pool_->size()));
    if (sums_ != nullptr) sums_->Prepare(plan_);
    body_ = CutIntoPhases(plan_, plan_.body, Rows::kTokens, sums_ != nullptr);
    for (const Op& op : plan_.head) {
      const bool makes_logits =
          (op.out >= 0 && op.out == plan_.logits) || (!op.parts.empty() && op.parts[0].out == plan_.logits);
      if (!makes_logits) norm_ops_.push_back(op);
    }
    head_ = CutIntoPhases(plan_, plan_.head, Rows::kOutputs);
    norm_ = CutIntoPhases(plan_, norm_ops_, Rows::kOutputs);
    FindSizes();
    for (const Phase& phase : body_) {
      if (phase.kind == Phase::Kind::kGroup) state_.groups.emplace_back();
      if (phase.kind == Phase::Kind::kExperts && phase.routing < 0) state_.whole_groups[UsedOf(plan_, *phase.ops[0])];
    }
    const size_t most_phases = std::max({body_.size(), head_.size(), norm_.size(), size_t{1}});
    state_.queues = std::make_unique<TaskQueue[]>(most_phases);
  }

  base::Status Run(const Batch& batch, OutputSink& sink, const std::atomic<bool>& stop) override {
    base::Status status = RunAll(batch, sink, stop);
    if (plan_.matrices == nullptr) return status;
    base::Status read = plan_.matrices->End();
    return read.ok() || stop.load(std::memory_order_relaxed) ? status : read;
  }

  size_t ScratchBytes(size_t tokens) const override {
    size_t floats = static_cast<size_t>(pool_->size()) * thread_floats_;
    size_t bytes = 0;
    for (size_t v = 0; v < plan_.values.size(); ++v) {
      if (!used_[v]) continue;
      const size_t rows = plan_.values[v].rows == Rows::kTokens ? tokens : std::min(tokens, kHeadRows);
      floats += rows * plan_.values[v].width;
    }
    for (const size_t column : column_bytes_) bytes += column * tokens;
    return bytes + floats * sizeof(float);
  }

 private:
  static base::Status Cancelled() { return {base::StatusCode::kCancelled, "the step was cancelled"}; }

  base::Status RunAll(const Batch& batch, OutputSink& sink, const std::atomic<bool>& stop) {
    state_.batch = &batch;
    state_.stop = &stop;
    ZELL_RETURN_IF_ERROR(FillRows(batch));
    PlanAttention(state_);
    FillRopeTables(plan_, state_);
    for (auto& [matrices, groups] : state_.whole_groups) GroupAll(state_.rows.size(), matrices, groups);
    FindAdapterRows(batch, state_.low_rank);
    if (!Reserve(Rows::kTokens, state_.rows.size()) || !ReserveLowRank(m_, state_)) return NoScratch();
    if (plan_.matrices != nullptr) {
      const auto makes_logits = [](const OutputRow& row) { return row.logits; };
      plan_.matrices->Begin(std::any_of(batch.outputs.begin(), batch.outputs.end(), makes_logits));
      ZELL_RETURN_IF_ERROR(BringEmbeddings(stop));
    }
    RunPhases(body_);
    if (plan_.matrices != nullptr && plan_.matrices->failed()) return ReadFailed();
    if (plan_.experts != nullptr) {
      const base::Status status = plan_.experts->End();
      if (!status.ok() && !stop.load(std::memory_order_relaxed)) return status;
    }
    if (stop.load(std::memory_order_relaxed)) return Cancelled();
    return RunHead(batch, sink, stop);
  }

  // Stands for what End() tells in detail.
  static base::Status ReadFailed() { return {base::StatusCode::kIo, "weights could not be read"}; }

  // Rows of the embedding for the batch's tokens, where they are not in memory.
  base::Status BringEmbeddings(const std::atomic<bool>& stop) {
    if (!plan_.matrices->brings_rows()) return base::Status::Ok();
    std::vector<int32_t> tokens;
    for (const TokenRow& row : state_.rows) tokens.push_back(row.token);
    const auto embeds = [](const Op& op) { return op.kind == OpKind::kEmbed; };
    const auto op = std::find_if(plan_.body.begin(), plan_.body.end(), embeds);
    if (op == plan_.body.end()) return base::Status::Ok();
    const size_t row_bytes = plan_.weights[static_cast<size_t>(op->weight)].row_bytes;
    if (!m_.embeddings.Reserve(tokens.size() * row_bytes)) return NoScratch();
    return plan_.matrices->ReadRows(tokens, m_.embeddings.data(), stop);
  }

  void FindSizes() {
    used_.assign(plan_.values.size(), false);
    const auto use = [&](ValueId id) {
      if (id >= 0) used_[static_cast<size_t>(id)] = true;
    };
    state_.attention_rows = SIZE_MAX;
    thread_floats_ = std::max(MatmulScratchFloats(), RowScratchFloats(plan_));
    for (const std::vector<Op>* ops : {&plan_.body, &plan_.head}) {
      for (const Op& op : *ops) {
        use(op.in), use(op.in2), use(op.out);
        for (const MatmulPart& part : op.parts) {
          if (op.epilogue == Epilogue::kStore || op.epilogue == Epilogue::kAddTo) use(part.out);
        }
        if (op.kind == OpKind::kAttention) {
          thread_floats_ = std::max(thread_floats_, AttentionScratchFloats(plan_, op));
          state_.attention_rows = std::min(state_.attention_rows, AttentionTileRows(plan_, op));
        }
        if (op.kind != OpKind::kMatmul && op.kind != OpKind::kExperts) continue;
        size_t columns = 1;
        if (op.kind == OpKind::kExperts) {
          thread_floats_ = std::max(thread_floats_, ExpertScratchFloats(plan_, op));
          columns = ColumnsPerRow(plan_, op);
        } else {
          for (const kernels::ActivationFormat format : kAdapterFormats) {
            size_t& most = adapter_column_bytes_[static_cast<size_t>(format)];
            most = std::max(most, kernels::ActivationBytes(format, plan_.values[static_cast<size_t>(op.in)].width));
          }
        }
        for (const kernels::ActivationFormat format : FormatsOf(plan_, op)) {
          size_t& most = column_bytes_[static_cast<size_t>(format)];
          const size_t width = plan_.values[static_cast<size_t>(op.in)].width / columns;
          most = std::max(most, columns * kernels::ActivationBytes(format, width));
        }
      }
    }
    use(plan_.body_out), use(plan_.head_in), use(plan_.normed), use(plan_.logits);
  }

  base::Status FillRows(const Batch& batch) {
    state_.rows.clear();
    for (size_t i = 0; i < batch.items.size(); ++i) {
      const BatchItem& item = batch.items[i];
      const size_t most = MostBatchTokens(plan_);
      if (state_.rows.size() + item.tokens.size() > most) {
        return {base::StatusCode::kTooLarge, "a batch takes at most " + std::to_string(most) + " tokens"};
      }
      const size_t first = state_.rows.size();
      for (size_t t = 0; t < item.tokens.size(); ++t) {
        TokenRow row;
        row.item = static_cast<uint32_t>(i);
        row.index = static_cast<uint32_t>(t);
        row.token = item.tokens[t];
        row.position = item.start + row.index;
        if (!item.parents.empty()) {
          const int32_t parent = item.parents[t];
          row.position = parent < 0 ? item.start : state_.rows[first + static_cast<size_t>(parent)].position + 1;
        }
        row.last_seen = plan_.encoder ? item.start + static_cast<uint32_t>(item.tokens.size()) - 1 : row.position;
        state_.rows.push_back(row);
      }
    }
    return base::Status::Ok();
  }

  bool Reserve(Rows kind, size_t rows) {
    bool ok = true;
    for (size_t v = 0; v < plan_.values.size(); ++v) {
      if (used_[v] && plan_.values[v].rows == kind) ok = ok && m_.values[v].Reserve(rows * plan_.values[v].width);
    }
    for (size_t f = 0; f < 3; ++f) ok = ok && m_.activations[f].Reserve(rows * column_bytes_[f]);
    if (state_.low_rank.any()) {
      for (size_t f = 0; f < 3; ++f) ok = ok && m_.activations[f].Reserve(rows * adapter_column_bytes_[f]);
    }
    for (auto& floats : m_.thread_floats) ok = ok && floats.Reserve(thread_floats_);
    for (const Op& op : plan_.body) {
      if (op.kind == OpKind::kAttention) ok = ok && m_.partials.Reserve(AttentionPartialFloats(plan_, op, state_));
    }
    return ok;
  }

  base::Status RunHead(const Batch& batch, OutputSink& sink, const std::atomic<bool>& stop) {
    const size_t width = plan_.embedding_length;
    std::vector<size_t> first_row(batch.items.size() + 1, 0);
    for (size_t i = 0; i < batch.items.size(); ++i) first_row[i + 1] = first_row[i] + batch.items[i].tokens.size();
    for (size_t first = 0; first < batch.outputs.size();) {
      const bool logits = batch.outputs[first].logits;
      size_t n = 0;
      while (n < kHeadRows && first + n < batch.outputs.size() && batch.outputs[first + n].logits == logits) ++n;
      if (!Reserve(Rows::kOutputs, n)) return NoScratch();
      for (size_t i = 0; i < n; ++i) {
        const OutputRow& row = batch.outputs[first + i];
        const float* from = m_.Row(plan_.body_out, first_row[row.item] + row.token);
        std::copy(from, from + width, m_.Row(plan_.head_in, i));
      }
      state_.n_outputs = n;
      FindOutputAdapterRows(batch, first, n, state_.low_rank);
      if (logits && first > 0 && plan_.matrices != nullptr) plan_.matrices->Begin(true);
      RunPhases(logits ? head_ : norm_);
      if (plan_.matrices != nullptr && plan_.matrices->failed()) return ReadFailed();
      if (stop.load(std::memory_order_relaxed)) return Cancelled();
      for (size_t i = 0; i < n; ++i) {
        std::span<const float> row;
        if (logits) row = {m_.Row(plan_.logits, i), plan_.values[static_cast<size_t>(plan_.logits)].width};
        sink.OnOutput(first + i, {m_.Row(plan_.normed, i), width}, row);
      }
      first += n;
    }
    return base::Status::Ok();
  }

  void RunPhases(const std::vector<Phase>& phases) {
    for (size_t p = 0; p < phases.size(); ++p) state_.queues[p].Reset();
    pool_->Run([&](int thread) {
      float* scratch = m_.thread_floats[static_cast<size_t>(thread)].data();
      Ahead ahead;
      ahead.thread = thread;
      size_t next = 0;
      for (size_t p = 0; p < phases.size(); ++p) {
        if (phases[p].kind == Phase::Kind::kMatmul) {
          for (next = std::max(next, p + 1); next < phases.size() && phases[next].kind != Phase::Kind::kMatmul;) ++next;
          ahead.op = next < phases.size() ? phases[next].ops[0] : nullptr;
        }
        const int turn = phases[p].turn;
        if (turn >= 0 && !plan_.matrices->Take(static_cast<uint32_t>(turn), *state_.stop)) return;
        RunPhase(phases[p], state_.queues[p], ahead, scratch);
        if (!state_.queues[p].Wait(CountTasks(phases[p]), *state_.stop)) return;
        if (turn >= 0) plan_.matrices->Done(static_cast<uint32_t>(turn));
        if (phases[p].routing >= 0 && plan_.experts != nullptr && plan_.experts->failed()) return;
      }
    });
  }

  uint32_t CountTasks(const Phase& phase) const {
    switch (phase.kind) {
      case Phase::Kind::kMatmul:
        return CountMatmulTasks(m_, state_, *phase.ops[0]);
      case Phase::Kind::kAttention:
        return CountAttentionTasks(m_, state_, *phase.ops[0]);
      case Phase::Kind::kGroup:
        return state_.RowCount(phase.rows) > kSerialRoute ? 1 : 0;
      case Phase::Kind::kExperts:
        return CountExpertTasks(m_, GroupsOf(phase), *phase.ops[0]);
      case Phase::Kind::kTap:
        return CountTapTasks(m_, *phase.ops[0]);
      case Phase::Kind::kRows:
        break;
    }
    const size_t n = state_.RowCount(phase.rows), step = RowsPerTask(phase, n);
    return static_cast<uint32_t>((n + step - 1) / step);
  }

  void RunPhase(const Phase& phase, TaskQueue& queue, Ahead& ahead, float* scratch) {
    switch (phase.kind) {
      case Phase::Kind::kMatmul:
        return RunMatmul(m_, state_, *phase.ops[0], queue, ahead, scratch);
      case Phase::Kind::kAttention:
        return RunAttention(m_, state_, *phase.ops[0], queue, scratch);
      case Phase::Kind::kExperts:
        if (phase.routing >= 0 && plan_.experts != nullptr) {
          return RunStreamedExperts(m_, state_, GroupsOf(phase), *phase.ops[0], static_cast<uint32_t>(phase.routing),
                                    phase.stage, queue, scratch);
        }
        return RunExperts(m_, state_, GroupsOf(phase), *phase.ops[0], queue, scratch);
      case Phase::Kind::kTap:
        return RunTap(m_, state_, phase.ops[0]->kind == OpKind::kExperts ? &GroupsOf(phase) : nullptr, *phase.ops[0],
                      *sums_, queue);
      case Phase::Kind::kGroup:
        if (CountTasks(phase) == 0 || queue.Claim() > 0) return;
        Group(phase);
        return queue.MarkDone(1);
      case Phase::Kind::kRows:
        return RunRows(phase, queue, scratch);
    }
  }

  const ExpertGroups& GroupsOf(const Phase& phase) const {
    if (phase.routing >= 0) return state_.groups[static_cast<size_t>(phase.routing)];
    return state_.whole_groups.at(UsedOf(plan_, *phase.ops[0]));
  }

  void Group(const Phase& phase) {
    const size_t rows = state_.RowCount(phase.rows);
    ExpertGroups& groups = state_.groups[static_cast<size_t>(phase.routing)];
    GroupByExpert(m_, *phase.route, rows, groups);
    if (plan_.experts == nullptr) return;
    groups.uses.clear();
    for (const uint32_t expert : groups.active) {
      groups.uses.push_back({expert, groups.begin[expert + size_t{1}] - groups.begin[expert]});
    }
    plan_.experts->Begin(static_cast<uint32_t>(phase.routing), groups.uses, static_cast<uint32_t>(rows));
    const uint32_t next = static_cast<uint32_t>(phase.routing) + 1;
    if (guesser_.Can(next) && plan_.experts->WantsGuesses()) {
      plan_.experts->Expect(next, guesser_.Guess(m_, next, rows));
    }
  }

  size_t RowsPerTask(const Phase& phase, size_t rows) const {
    if (phase.routing >= 0 && rows <= kSerialRoute) return std::max<size_t>(rows, 1);
    return std::clamp<size_t>(rows / (static_cast<size_t>(m_.threads) * 4), 1, 16);
  }

  void RunRows(const Phase& phase, TaskQueue& queue, float* scratch) {
    const size_t n = state_.RowCount(phase.rows), step = RowsPerTask(phase, n);
    for (uint32_t done = 0;; ++done) {
      const size_t first = queue.Claim() * step;
      if (first >= n || state_.stop->load(std::memory_order_relaxed)) return queue.MarkDone(done);
      for (size_t row = first; row < std::min(first + step, n); ++row) {
        for (const Op* op : phase.ops) {
          if (op->kind == OpKind::kAttention) {
            CombineAttention(m_, state_, *op, row);
          } else {
            RunRowOp(m_, state_, *op, row, scratch);
          }
        }
        for (const QuantizeStep& q : phase.quantize) QuantizeRow(m_, q.format, q.in, row, q.columns);
        if (phase.product != nullptr && state_.low_rank.any()) QuantizeForAdapters(phase, row);
      }
      if (phase.routing >= 0 && n <= kSerialRoute) Group(phase);
    }
  }

  void QuantizeForAdapters(const Phase& phase, size_t row) {
    for (const kernels::ActivationFormat format : kAdapterFormats) {
      const auto same = [&](const QuantizeStep& q) { return q.format == format; };
      if (std::any_of(phase.quantize.begin(), phase.quantize.end(), same)) continue;
      if (LowRankNeeds(state_, plan_, *phase.product, format)) QuantizeRow(m_, format, phase.product->in, row, 1);
    }
  }

  const Plan plan_;
  std::shared_ptr<base::ThreadPool> pool_;
  InputSums* const sums_;
  Guesser guesser_;
  std::vector<Op> norm_ops_;
  std::vector<Phase> body_, head_, norm_;
  std::vector<bool> used_;
  size_t column_bytes_[3] = {};
  size_t adapter_column_bytes_[3] = {};  ///< of the widest input of a matmul
  size_t thread_floats_ = 0;
  Machine m_;
  RunState state_;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(int threads, const kernels::Kernels& kernels, InputSums* sums)
      : pool_(std::make_shared<base::ThreadPool>(threads)), kernels_(kernels), sums_(sums) {}
  const char* name() const override { return "cpu"; }
  base::Result<std::unique_ptr<Executor>> Compile(const Plan& plan) override {
    if (std::string error = FindPlanError(plan); !error.empty())
      return base::Status{base::StatusCode::kInternal, error};
    return std::unique_ptr<Executor>(std::make_unique<CpuExecutor>(plan, pool_, kernels_, sums_));
  }

 private:
  std::shared_ptr<base::ThreadPool> pool_;
  const kernels::Kernels& kernels_;
  InputSums* const sums_;
};

}  // namespace

std::unique_ptr<Backend> MakeCpuBackend(int threads, const kernels::Kernels& kernels, InputSums* sums) {
  return std::make_unique<CpuBackend>(threads, kernels, sums);
}

}  // namespace zell::backend
