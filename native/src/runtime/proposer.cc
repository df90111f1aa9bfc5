#include "runtime/proposer.h"

#include <algorithm>
#include <cmath>

namespace zell::runtime {
namespace {

// Brings rows of the embedding alone: everything else of a guess is in memory.
class Embeddings final : public backend::MatrixSource {
 public:
  explicit Embeddings(backend::MatrixSource& source) : source_(source) {}
  void Begin(bool) override {}
  bool Take(uint32_t, const std::atomic<bool>&) override { return true; }
  void Done(uint32_t) override {}
  bool brings_rows() const override { return true; }
  base::Status ReadRows(std::span<const int32_t> tokens, uint8_t* out, const std::atomic<bool>& stop) override {
    return source_.ReadRows(tokens, out, stop);
  }
  bool failed() const override { return false; }
  base::Status End() override { return base::Status::Ok(); }

 private:
  backend::MatrixSource& source_;
};

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

Proposer::Proposer(const model::DraftHead& head, backend::MatrixSource* rows) : head_(head) {
  if (rows != nullptr) rows_ = std::make_unique<Embeddings>(*rows);
}

base::Result<std::unique_ptr<Proposer>> Proposer::Make(backend::Backend& backend, const model::DraftHead& head,
                                                       const backend::Plan& plan) {
  base::Result<backend::Plan> guess = head.GuessPlan(plan);
  if (!guess.ok()) return guess.status();
  const bool brings_rows = plan.matrices != nullptr && plan.matrices->brings_rows();
  std::unique_ptr<Proposer> made(new Proposer(head, brings_rows ? plan.matrices : nullptr));
  guess->matrices = made->rows_.get();
  base::Result<std::unique_ptr<backend::Executor>> executor = backend.Compile(*guess);
  if (!executor.ok()) return executor.status();
  made->executor_ = std::move(*executor);
  return made;
}

void Proposer::Propose(std::vector<RunningItem>& items, const MakeRoom& make_room, const std::atomic<bool>& stop) {
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
