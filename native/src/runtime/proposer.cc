#include "runtime/proposer.h"

#include <algorithm>
#include <cmath>

namespace zell::runtime {
namespace {

struct Guess {
  size_t index = 0;  ///< of the head's tokens
  float chance = 0;
};

// The likeliest token of each item and how likely it is.
class Best final : public backend::OutputSink {
 public:
  explicit Best(size_t items) : guesses(items) {}
  void OnOutput(size_t index, std::span<const float>, std::span<const float> logits) override {
    const auto best = std::max_element(logits.begin(), logits.end());
    float sum = 0;
    for (const float x : logits) sum += std::exp(x - *best);
    guesses[index] = {static_cast<size_t>(best - logits.begin()), 1.0f / sum};
  }
  std::vector<Guess> guesses;
};

struct Line {
  RunningItem* running = nullptr;
  float chance = 1.0f;  ///< that all guesses so far are right
};

bool WantsGuesses(const RunningItem& running) {
  const StepItem& item = *running.item;
  return running.output.status.ok() && item.propose > 0 && item.tokens.size() == 1 && item.draft == 0;
}

}  // namespace

base::Result<std::unique_ptr<Proposer>> Proposer::Make(backend::Backend& backend, const model::DraftHead& head,
                                                       const backend::Plan& plan,
                                                       const stream::MatrixStream* matrices) {
  const backend::Plan guess = head.GuessPlan(plan);
  std::unique_ptr<Proposer> made(new Proposer(head, matrices));
  for (const backend::Op& op : guess.body) made->turns_ = std::max(made->turns_, static_cast<uint32_t>(op.turn + 1));
  base::Result<std::unique_ptr<backend::Executor>> executor = backend.Compile(guess);
  if (!executor.ok()) return executor.status();
  made->executor_ = std::move(*executor);
  return made;
}

void Proposer::Propose(std::vector<RunningItem>& items, const MakeRoom& make_room, const std::atomic<bool>& stop) {
  if (matrices_ != nullptr && matrices_->kept() < turns_) return;
  std::vector<Line> lines;
  for (RunningItem& running : items) {
    if (WantsGuesses(running) && make_room(running, 1 + running.item->propose).ok()) lines.push_back({&running});
  }
  while (!lines.empty() && !stop.load(std::memory_order_relaxed)) {
    backend::Batch batch;
    for (const Line& line : lines) {
      const RunningItem& running = *line.running;
      backend::BatchItem item;
      item.tokens = std::span(running.item->tokens).last(1);
      item.start = running.start + running.item->draft;
      item.blocks = running.blocks;
      item.adapters = running.adapters;
      batch.outputs.push_back({static_cast<uint32_t>(batch.items.size()), 0, true});
      batch.items.push_back(std::move(item));
    }
    Best best(lines.size());
    // What fails here fails in the checking step too, which then says so.
    if (!executor_->Run(batch, best, stop).ok()) return;
    for (size_t i = 0; i < lines.size(); ++i) {
      Line& line = lines[i];
      StepItem& item = *line.running->item;
      line.chance *= best.guesses[i].chance;
      if (line.chance < item.least_chance) {
        line.running = nullptr;
        continue;
      }
      item.tokens.push_back(head_.shape().tokens[best.guesses[i].index]);
      line.running->output.proposed.push_back(item.tokens.back());
      if (++item.draft == item.propose) line.running = nullptr;
    }
    std::erase_if(lines, [](const Line& line) { return line.running == nullptr; });
  }
}

}  // namespace zell::runtime
