// The engine's thread: takes one step after another and runs it.
#include <algorithm>

#include "runtime/engine_impl.h"

namespace zell::runtime {
namespace {

// Logits of every token of an item: more than this is a mistake.
constexpr uint64_t kMostLogitBytes = uint64_t{1} << 30;

base::Status Invalid(const std::string& message) { return {base::StatusCode::kInvalidRequest, message}; }

}  // namespace

void Engine::Impl::Loop() {
  for (;;) {
    std::optional<Job> next;
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [this] { return closing || job.has_value(); });
      if (!job) return;
      next = std::move(job);
      job.reset();
    }
    std::vector<StepOutput> outputs = RunJob(*next);
    next->done(std::move(outputs));
  }
}

base::Status Engine::Impl::CheckItem(const StepItem& item, const SequenceState& state) const {
  const size_t n = item.tokens.size();
  const Want& want = item.want;
  if (n == 0) return Invalid("a step's item needs at least one token");
  for (const int32_t token : item.tokens) {
    if (token < 0 || static_cast<uint32_t>(token) >= plan.vocabulary_size) {
      return Invalid("token " + std::to_string(token) + " lies outside the vocabulary");
    }
  }
  if (!item.parents.empty()) {
    if (item.parents.size() != n) return Invalid("parents must have one entry for each token");
    if (n > backend::kMaxBatchTokens) return {base::StatusCode::kTooLarge, "a tree has at most 512 tokens"};
    for (size_t i = 0; i < n; ++i) {
      if (item.parents[i] < -1 || item.parents[i] >= static_cast<int32_t>(i)) {
        return Invalid("a token's parent must come before it");
      }
    }
  }
  if (!want.score.empty() && want.score.size() != n) return Invalid("score must have one entry for each token");
  for (const int32_t token : want.score) {
    if (token < -1 || (token >= 0 && static_cast<uint32_t>(token) >= plan.vocabulary_size)) {
      return Invalid("score names token " + std::to_string(token) + " outside the vocabulary");
    }
  }
  if (item.propose > 0 && (n != 1 || item.draft > 0 || item.propose >= backend::kMaxBatchTokens)) {
    return Invalid("the draft head guesses what follows an item's only token, some hundred tokens at most");
  }
  const bool guessed = item.draft > 0 || item.propose > 0;
  if (guessed && (item.draft >= n || !want.sample || !item.parents.empty() || !want.score.empty() || want.logits ||
                  want.hidden_layer || want.pairs || want.pooled != Pooling::kNone)) {
    return Invalid(
        "guesses follow a token of their item, which is sampled from and asks for nothing more than log-probabilities");
  }
  if (want.pairs && (want.pairs->layer > plan.layers || want.pairs->top < 1 || want.pairs->top > 256 ||
                     want.pairs->top > plan.vocabulary_size || !item.parents.empty() || plan.encoder)) {
    return Invalid("pairs are of a chain, a layer of the model and 1 to 256 tokens");
  }
  if (want.hidden_layer && *want.hidden_layer > plan.layers) {
    return Invalid("hiddenLayer must be 0 to " + std::to_string(plan.layers));
  }
  if (want.sample && state.sampler == nullptr) return Invalid("the sequence has no sampler");
  if (want.logits && uint64_t{n} * plan.vocabulary_size * sizeof(float) > kMostLogitBytes) {
    return {base::StatusCode::kTooLarge, "logits of so many tokens take more than 1 GiB"};
  }
  if (plan.encoder) {
    if (want.sample || want.logits || want.top_logprobs || !want.score.empty() || !item.parents.empty()) {
      return {base::StatusCode::kUnsupported, "this model is an encoder: it makes embeddings, not text"};
    }
    if (state.kv.length() > 0) return Invalid("an encoder reads a text in one step; start a new sequence");
  }
  if (uint64_t{state.kv.length()} + n > summary.context_length) {
    return {base::StatusCode::kContextOverflow, "the context holds " + std::to_string(summary.context_length) +
                                                    " tokens, " + std::to_string(state.kv.length() + n) +
                                                    " are needed"};
  }
  return base::Status::Ok();
}

base::Status Engine::Impl::TakeAdapters(const StepItem& item, SequenceState& state) const {
  base::Result<AdapterSet> set = adapters.Resolve(item.adapters, state.adapters);
  if (!set.ok()) return set.status();
  if (*set == state.adapters) return base::Status::Ok();
  if (state.kv.length() > 0) {
    return Invalid("the sequence's keys and values were computed with other adapters; start a new one");
  }
  state.adapters = std::move(*set);
  return base::Status::Ok();
}

void Engine::Impl::PrepareItem(StepItem& item, SequenceState& state, std::vector<kv::Sequence>& trees, size_t& promised,
                               RunningItem& running) {
  running.item = &item;
  running.output.sequence = item.sequence;
  running.cancelled = &state.cancelled;
  running.sampler = state.sampler;
  running.start = state.kv.length();
  base::Status status = CheckItem(item, state);
  if (proposer == nullptr || !status.ok()) item.propose = 0;
  if (item.propose > 0) {
    const uint64_t held = uint64_t{state.kv.length()} + item.tokens.size();
    item.propose = static_cast<uint32_t>(std::min<uint64_t>(item.propose, summary.context_length - held));
  }
  const size_t n = item.tokens.size() + item.propose;
  if (status.ok()) status = TakeAdapters(item, state);
  running.adapters = state.adapters.Uses();
  if (status.ok() && !item.parents.empty()) {
    trees.emplace_back(*cache);
    status = trees.back().Prepare(n);
    running.tree_blocks = trees.back().Addresses();
    running.blocks = state.kv.Addresses();
  } else if (status.ok()) {
    // Only this thread draws blocks, so what is free now will be free when a slice comes to it.
    const size_t missing = state.kv.BlocksMissing(n), free = cache->limit() - cache->used();
    if (promised + missing > free) {
      status = {base::StatusCode::kOutOfMemory, "the KV cache has " + std::to_string(free - promised) + " of " +
                                                    std::to_string(cache->limit()) + " blocks left, " +
                                                    std::to_string(missing) + " are needed"};
    } else {
      promised += missing;
    }
  }
  running.output.status = status;
  if (status.ok() && !item.want.score.empty()) running.output.scores.assign(item.tokens.size(), 0.0f);
}

std::vector<StepOutput> Engine::Impl::RunJob(Job& work) {
  std::vector<RunningItem> running(work.items.size());
  std::vector<kv::Sequence> trees;
  trees.reserve(work.items.size());
  {
    const std::lock_guard lock(mutex);
    size_t promised = 0;
    // Trees first: they draw at once, before anything is promised.
    for (const bool tree : {true, false}) {
      for (size_t i = 0; i < work.items.size(); ++i) {
        StepItem& item = work.items[i];
        if (item.parents.empty() == tree) continue;
        PrepareItem(item, *sequences.at(item.sequence), trees, promised, running[i]);
      }
    }
  }
  const auto make_room = [this](RunningItem& item, size_t tokens) -> base::Status {
    if (!item.item->parents.empty()) return base::Status::Ok();
    const std::lock_guard lock(mutex);
    kv::Sequence& sequence = sequences.at(item.item->sequence)->kv;
    ZELL_RETURN_IF_ERROR(sequence.Prepare(tokens));
    item.blocks = sequence.Addresses();
    return base::Status::Ok();
  };
  if (proposer != nullptr) proposer->Propose(running, make_room, stop);
  RunItems(*executor, plan, running, make_room, stop);
  {
    const std::lock_guard lock(mutex);
    trees.clear();
    Finish(running);
  }
  std::vector<StepOutput> outputs;
  for (RunningItem& item : running) {
    // A failed item shows nothing of what it had come to.
    if (!item.output.status.ok()) {
      StepOutput failed;
      failed.sequence = item.output.sequence;
      failed.status = std::move(item.output.status);
      item.output = std::move(failed);
    }
    outputs.push_back(std::move(item.output));
  }
  return outputs;
}

void Engine::Impl::Finish(std::vector<RunningItem>& running) {
  for (RunningItem& item : running) {
    const auto it = sequences.find(item.item->sequence);
    SequenceState& state = *it->second;
    if (item.output.status.ok() && item.item->parents.empty()) {
      state.kv.Commit(item.item->tokens.size() - item.item->draft + item.output.accepted);
    }
    // Of an item that failed, and what a wrong guess took.
    state.kv.DropPrepared();
    state.in_step = false;
    if (state.doomed) sequences.erase(it);
  }
  for (auto& [id, state] : sequences) state->cancelled = false;
  busy = false;
  alive = 0;
}

}  // namespace zell::runtime
