#include "runtime/step_runner.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "kernels/kernels.h"

namespace zell::runtime {
namespace {

base::Status Cancelled() { return {base::StatusCode::kCancelled, "cancelled"}; }

// The `top` likeliest tokens, best first; quicker than sampling::TopLogprobs, since every token of a text is asked.
void AddLikeliest(std::span<const float> logits, size_t top, std::vector<sampling::TokenProbability>& to) {
  const auto worse = [](const sampling::TokenProbability& a, const sampling::TokenProbability& b) {
    return a.logprob > b.logprob;
  };
  std::vector<sampling::TokenProbability> best;  // a heap whose first is the least likely
  float least = -std::numeric_limits<float>::infinity();
  for (size_t i = 0; i < logits.size(); ++i) {
    if (best.size() == top && !(logits[i] > least)) continue;
    if (best.size() == top) {
      std::pop_heap(best.begin(), best.end(), worse);
      best.pop_back();
    }
    best.push_back({static_cast<int32_t>(i), logits[i]});
    std::push_heap(best.begin(), best.end(), worse);
    least = best.front().logprob;
  }
  std::sort_heap(best.begin(), best.end(), worse);
  const float max = best.front().logprob;
  std::vector<float> scratch(logits.begin(), logits.end());
  const float sum = std::log(kernels::ActiveKernels().exp_sum(scratch.data(), max, scratch.size()));
  for (sampling::TokenProbability& token : best) token.logprob -= max + sum;
  to.insert(to.end(), best.begin(), best.end());
}

// One slice of the step as a batch, and what its output rows are for.
class Slice final : public backend::OutputSink {
 public:
  Slice(const backend::Plan& plan, std::vector<RunningItem>& items, std::vector<size_t>& done)
      : plan_(plan), items_(items), done_(done) {}

  // Takes the next tokens of every unfinished item; false when nothing is left.
  bool Fill(const MakeRoom& make_room) {
    size_t room = backend::MostBatchTokens(plan_);
    for (size_t i = 0; i < items_.size() && room > 0; ++i) {
      RunningItem& running = items_[i];
      const size_t left = running.item->tokens.size() - done_[i];
      if (!running.output.status.ok() || left == 0) continue;
      if (running.cancelled->load(std::memory_order_relaxed)) {
        running.output.status = Cancelled();
        continue;
      }
      const bool whole = plan_.encoder || !running.item->parents.empty();
      if (whole && left > room) continue;  // trees and an encoder's texts go as a whole, in the next slice
      const size_t n = std::min(left, room);
      running.output.status = make_room(running, done_[i] + n);
      if (!running.output.status.ok()) continue;
      Take(i, n);
      room -= n;
    }
    std::stable_sort(batch.outputs.begin(), batch.outputs.end(),
                     [](const auto& a, const auto& b) { return a.logits > b.logits; });
    return !batch.items.empty();
  }

  void MarkDone() {
    for (size_t b = 0; b < batch.items.size(); ++b) done_[source_[b]] += batch.items[b].tokens.size();
  }

  void OnOutput(size_t index, std::span<const float> normed, std::span<const float> logits) override {
    const backend::OutputRow& row = batch.outputs[index];
    const size_t i = source_[row.item];
    const size_t token = done_[i] + row.token;
    if (!logits.empty()) UseLogits(items_[i], token, logits);
    Pool(items_[i], token, normed);
  }

  backend::Batch batch;

 private:
  void Take(size_t i, size_t n) {
    RunningItem& running = items_[i];
    const StepItem& item = *running.item;
    const Want& want = item.want;
    const size_t first = done_[i];
    const uint32_t b = static_cast<uint32_t>(batch.items.size());
    backend::BatchItem out;
    out.tokens = std::span(item.tokens).subspan(first, n);
    if (!item.parents.empty()) out.parents = item.parents;
    out.start = running.start + static_cast<uint32_t>(first);
    out.blocks = running.blocks;
    out.tree_blocks = running.tree_blocks;
    out.adapters = running.adapters;
    batch.items.push_back(std::move(out));
    source_.push_back(i);
    for (size_t t = first; t < first + n; ++t) {
      const bool last = t + 1 == item.tokens.size();
      const bool logits = want.logits || want.pairs || (!want.score.empty() && want.score[t] >= 0) ||
                          (last && (want.sample || want.top_logprobs.has_value())) ||
                          (item.draft > 0 && t + 1 + item.draft >= item.tokens.size());
      const bool pooled = want.pooled == Pooling::kMean || (want.pooled == Pooling::kLast && last) ||
                          (want.pooled == Pooling::kFirst && t == 0);
      if (logits || pooled) batch.outputs.push_back({b, static_cast<uint32_t>(t - first), logits});
      if (want.pairs) {
        running.output.pair_states.resize(item.tokens.size() * plan_.embedding_length);
        float* state = running.output.pair_states.data() + t * plan_.embedding_length;
        batch.taps.push_back({b, static_cast<uint32_t>(t - first), want.pairs->layer, state});
      }
      if (last && want.hidden_layer) {
        running.output.hidden.resize(plan_.embedding_length);
        batch.taps.push_back({b, static_cast<uint32_t>(t - first), *want.hidden_layer, running.output.hidden.data()});
      }
    }
  }

  void UseLogits(RunningItem& running, size_t token, std::span<const float> logits) {
    const Want& want = running.item->want;
    StepOutput& out = running.output;
    const size_t n = running.item->tokens.size();
    if (want.logits) {
      out.logits.resize(n * logits.size());
      std::copy(logits.begin(), logits.end(), out.logits.begin() + static_cast<std::ptrdiff_t>(token * logits.size()));
    }
    if (!want.score.empty() && want.score[token] >= 0) {
      out.scores[token] = sampling::LogprobOf(logits, want.score[token]);
    }
    if (want.pairs) {
      AddLikeliest(logits, want.pairs->top, out.pair_tops);
    }
    if (token + 1 + running.item->draft < n || running.settled) return;
    // So far it was about the token before, which is accepted now.
    if (want.top_logprobs && out.sampled_logprob) {
      out.accepted_reports.push_back({*out.sampled_logprob, std::move(*out.top)});
    }
    const bool post = want.post_sampling && want.sample;
    if (want.top_logprobs && !post) out.top = sampling::TopLogprobs(logits, *want.top_logprobs);
    if (!want.sample || (!running.decided && running.cancelled->load(std::memory_order_relaxed))) return;
    running.decided = true;
    out.sampled = running.sampler->Sample(logits);
    if (*out.sampled < 0) {
      out.status = running.sampler->status();
      running.settled = true;
      return;
    }
    running.sampler->Accept(*out.sampled);
    if (want.top_logprobs && post) out.top = running.sampler->TopKept(*want.top_logprobs);
    if (token + 1 < n && running.item->tokens[token + 1] == *out.sampled) {
      ++out.accepted;
    } else {
      running.settled = true;
    }
    if (!want.top_logprobs) return;
    out.sampled_logprob = post ? running.sampler->ChosenLogprob() : sampling::LogprobOf(logits, *out.sampled);
  }

  // Sums over slices in the order of tokens; the mean is taken when the last one has come.
  void Pool(RunningItem& running, size_t token, std::span<const float> normed) {
    const Pooling pooling = running.item->want.pooled;
    const size_t n = running.item->tokens.size();
    const bool last = token + 1 == n;
    if (pooling == Pooling::kNone || (pooling == Pooling::kLast && !last) ||
        (pooling == Pooling::kFirst && token > 0)) {
      return;
    }
    std::vector<float>& pooled = running.output.pooled;
    if (pooled.empty()) pooled.assign(normed.size(), 0.0f);
    for (size_t i = 0; i < normed.size(); ++i) pooled[i] += normed[i];
    if (pooling != Pooling::kMean) return;
    if (++running.pooled_rows < n) return;
    for (float& x : pooled) x /= static_cast<float>(n);
  }

  const backend::Plan& plan_;
  std::vector<RunningItem>& items_;
  std::vector<size_t>& done_;
  std::vector<size_t> source_;  ///< [batch item] → index in items_
};

}  // namespace

void RunItems(backend::Executor& executor, const backend::Plan& plan, std::vector<RunningItem>& items,
              const MakeRoom& make_room, const std::atomic<bool>& stop) {
  std::vector<size_t> done(items.size(), 0);
  for (;;) {
    Slice slice(plan, items, done);
    if (!slice.Fill(make_room)) break;
    const base::Status status = executor.Run(slice.batch, slice, stop);
    if (!status.ok()) {
      for (RunningItem& running : items) {
        if (running.output.status.ok()) running.output.status = status;
      }
      break;
    }
    slice.MarkDone();
  }
  for (RunningItem& running : items) {
    if (running.output.status.ok() && !running.decided && running.cancelled->load(std::memory_order_relaxed)) {
      running.output.status = Cancelled();
    }
  }
}

}  // namespace zell::runtime
