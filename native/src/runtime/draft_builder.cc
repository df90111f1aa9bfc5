#include "runtime/draft_builder.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <utility>

#include "base/split_mix.h"
#include "runtime/self_texts.h"

namespace zell::runtime {
namespace {

using Clock = std::chrono::steady_clock;
using train::DraftText;

constexpr size_t kLeastPrompts = 8;
constexpr uint32_t kTop = 12;           // ids of a distribution that are kept
constexpr size_t kStepTokens = 5400;    // of an update
constexpr double kRate = 1e-3;          // of learning, at its highest
constexpr uint64_t kRising = 50;        // steps until then, at most a tenth
constexpr double kTextShare = 0.4;      // of the time, for texts
constexpr double kTrialShare = 0.05;    // for trying
constexpr uint64_t kUsualSteps = 1500;  // more hardly help
constexpr uint64_t kMostStateBytes = uint64_t{512} << 20;
constexpr uint32_t kTrialTokens = 96;

double SecondsSince(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }
base::Status Cancelled() { return {base::StatusCode::kCancelled, "cancelled"}; }

// The tokens that the texts most probably have, ascending.
std::vector<int32_t> FrequentTokens(const std::vector<DraftText>& texts, uint32_t vocabulary, uint32_t most) {
  std::vector<double> mass(vocabulary, 0.0);
  for (const DraftText& text : texts) {
    for (size_t i = size_t{text.first} * text.top; i < text.ids.size(); ++i) {
      mass[static_cast<size_t>(text.ids[i])] += std::exp(static_cast<double>(text.logprobs[i]));
    }
  }
  std::vector<int32_t> tokens(vocabulary);
  for (uint32_t i = 0; i < vocabulary; ++i) tokens[i] = static_cast<int32_t>(i);
  std::sort(tokens.begin(), tokens.end(), [&](int32_t a, int32_t b) {
    const double x = mass[static_cast<size_t>(a)], y = mass[static_cast<size_t>(b)];
    return x != y ? x > y : a < b;
  });
  tokens.resize(std::min(most, vocabulary));
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

// Texts in a new order for every pass, as many at a time as an update has tokens.
class Shuffle {
 public:
  Shuffle(const std::vector<DraftText>& texts, uint64_t seed) : texts_(texts), random_(seed) {}

  std::vector<const DraftText*> Next() {
    std::vector<const DraftText*> chosen;
    for (size_t tokens = 0; tokens < kStepTokens;) {
      if (at_ == order_.size()) Again();
      chosen.push_back(&texts_[order_[at_++]]);
      tokens += chosen.back()->tokens();
      if (chosen.size() >= texts_.size()) break;
    }
    return chosen;
  }

 private:
  void Again() {
    order_.resize(texts_.size());
    for (size_t i = 0; i < order_.size(); ++i) order_[i] = i;
    for (size_t i = order_.size(); i > 1; --i) std::swap(order_[i - 1], order_[random_.Next() % i]);
    at_ = 0;
  }
  const std::vector<DraftText>& texts_;
  base::SplitMix64 random_;
  std::vector<size_t> order_;
  size_t at_ = 0;
};

double RateAt(double done, uint64_t step, uint64_t rising) {
  const double risen =
      std::min(1.0, static_cast<double>(step + 1) / static_cast<double>(std::max<uint64_t>(1, rising)));
  return kRate * risen * (0.05 + 0.95 * 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done))));
}

// Answers prompts with the head's guesses. @returns tokens for each check.
base::Result<double> Try(const std::string& model, const std::string& head, LoadOptions load,
                         const std::vector<std::vector<int32_t>>& prompts, uint32_t guesses, Clock::time_point until,
                         const std::atomic<bool>& stop) {
  load.draft_head = head;
  base::Result<std::unique_ptr<Engine>> engine = Engine::Load(model, load, nullptr, stop);
  if (!engine.ok()) return engine.status();
  const Summary& summary = (*engine)->summary();
  if (summary.draft_exit == 0) return base::Status{base::StatusCode::kUnsupported, summary.draft_refused};
  const std::vector<tokenizer::Token>& ends = summary.end_of_generation;
  const auto ends_with = [&](int32_t token) { return std::find(ends.begin(), ends.end(), token) != ends.end(); };
  uint64_t tokens = 0, checks = 0;
  for (const std::vector<int32_t>& prompt : prompts) {
    if (checks > 0 && Clock::now() >= until) break;
    const uint32_t sequence = (*engine)->CreateSequence();
    sampling::SamplerParams params;
    params.temperature = 0;
    ZELL_RETURN_IF_ERROR((*engine)->SetSampler(sequence, params, {}));
    std::vector<int32_t> next = prompt;
    bool first = true;
    for (uint32_t written = 0; written < kTrialTokens;) {
      if (stop.load(std::memory_order_relaxed)) return Cancelled();
      std::vector<StepItem> items(1);
      items[0].sequence = sequence;
      items[0].propose = first ? 0 : guesses;
      items[0].tokens = std::move(next);
      items[0].want.sample = true;
      base::Result<std::vector<StepOutput>> outputs = StepAndWait(**engine, std::move(items));
      if (!outputs.ok()) return outputs.status();
      const StepOutput& output = outputs->front();
      if (!output.status.ok()) return output.status;
      if (!first) ++checks, tokens += output.accepted + 1;
      first = false;
      written += output.accepted + 1;
      next = {*output.sampled};
      const auto accepted = output.proposed.begin() + output.accepted;
      if (ends_with(*output.sampled) || std::any_of(output.proposed.begin(), accepted, ends_with)) break;
    }
    (*engine)->FreeSequence(sequence);
  }
  return checks == 0 ? 0.0 : static_cast<double>(tokens) / static_cast<double>(checks);
}

class Builder {
 public:
  Builder(const std::string& model, const LoadOptions& load, const DraftBuildOptions& options,
          const std::function<void(uint64_t, uint64_t)>& progress, const std::atomic<bool>& stop)
      : model_(model), load_(load), o_(options), progress_(progress), stop_(stop) {}

  base::Result<DraftReport> Run(const std::vector<std::vector<int32_t>>& prompts, const std::string& out) {
    std::vector<std::vector<int32_t>> learnt, kept_back;
    for (size_t i = 0; i < prompts.size(); ++i) {
      if (!prompts[i].empty()) (i % 8 == 7 ? kept_back : learnt).push_back(prompts[i]);
    }
    if (prompts.size() < kLeastPrompts || learnt.empty() || kept_back.empty()) {
      return base::Status{base::StatusCode::kInvalidRequest, "a draft head needs at least 8 prompts"};
    }
    ZELL_RETURN_IF_ERROR(Write(learnt, kept_back));
    ZELL_RETURN_IF_ERROR(Learn());
    const std::string part = out + ".part";
    const base::Status tried = TryAndKeep(kept_back, part, out);
    std::error_code ignored;
    if (!report_.kept) std::filesystem::remove(part, ignored);
    if (!tried.ok()) return tried;
    return report_;
  }

 private:
  void Report(double done) {
    if (progress_) progress_(static_cast<uint64_t>(1000 * std::clamp(done, 0.0, 1.0)), 1000);
  }

  base::Status Write(const std::vector<std::vector<int32_t>>& learnt,
                     const std::vector<std::vector<int32_t>>& kept_back) {
    LoadOptions load = load_;
    load.draft_head.clear();
    SelfTextOptions texts;
    load.max_sequences = texts.side_by_side;
    load.context_length = o_.text_tokens + 32;
    base::Result<std::unique_ptr<Engine>> engine = Engine::Load(model_, load, nullptr, stop_);
    if (!engine.ok()) return engine.status();
    const Summary& summary = (*engine)->summary();
    file_ = summary.file;
    const uint32_t layers = summary.layers;
    if (layers < 3) return {base::StatusCode::kUnsupported, "a model of so few layers needs no draft head"};
    shape_.exit_layer = o_.exit_layer > 0 ? o_.exit_layer : std::max<uint32_t>(1, (layers * 23 + 50) / 100);
    shape_.exit_layer = std::min(shape_.exit_layer, layers - 2);
    shape_.blocks = {shape_.exit_layer + (o_.blocks > 1 ? 1 : 0)};
    if (o_.blocks > 1) shape_.blocks.push_back(layers - 1);
    texts.pairs = {shape_.exit_layer, std::min(kTop, summary.vocabulary_size)};
    texts.text_tokens = o_.text_tokens;
    texts.seed = o_.seed;
    const uint64_t affordable = kMostStateBytes / (uint64_t{2} * summary.embedding_length);
    texts.most_tokens = o_.most_tokens > 0 ? std::min(o_.most_tokens, affordable) : affordable;
    texts.until =
        begin_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(o_.seconds * kTextShare));
    auto written = WriteTexts(
        **engine, learnt, texts, [&](double done) { Report(kTextShare * done); }, stop_);
    if (!written.ok()) return written.status();
    texts_ = std::move(*written);
    for (const DraftText& text : texts_) report_.tokens += text.tokens() - text.first;
    if (texts_.empty()) return {base::StatusCode::kInvalidRequest, "there was no time for a single text"};
    // Of the ones kept back, the model's best answers.
    SelfTextOptions best = texts;
    best.temperature = 0;
    best.free_texts = false;
    best.most_tokens = 0;
    best.most_texts = kept_back.size();
    best.until = Clock::now() +
                 std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(o_.seconds * kTrialShare));
    auto answers = WriteTexts(**engine, kept_back, best, nullptr, stop_);
    if (!answers.ok()) return answers.status();
    answers_ = std::move(*answers);
    shape_.tokens = FrequentTokens(texts_, summary.vocabulary_size, o_.vocabulary);
    report_.text_seconds = SecondsSince(begin_);
    return base::Status::Ok();
  }

  base::Status Learn() {
    const Clock::time_point begin = Clock::now();
    train::DraftRecipe recipe{.shape = shape_, .row_tokens = 1024, .threads = ThreadsFor(load_)};
    base::Result<std::unique_ptr<train::DraftTrainer>> opened = train::DraftTrainer::Open(file_, std::move(recipe));
    if (!opened.ok()) return opened.status();
    trainer_ = std::move(*opened);
    report_.exit_layer = shape_.exit_layer;
    report_.blocks = static_cast<uint32_t>(shape_.blocks.size());
    report_.parameters = trainer_->parameters();
    Shuffle shuffle(texts_, o_.seed);
    const double seconds = std::max(0.0, o_.seconds * (1 - kTrialShare) - SecondsSince(begin_));
    uint64_t steps = o_.most_steps > 0 ? o_.most_steps : kUsualSteps;
    for (uint64_t step = 0; step < steps; ++step) {
      if (stop_.load(std::memory_order_relaxed)) return Cancelled();
      const double used = SecondsSince(begin);
      // With a number of steps time does not count, so that a result can be had again.
      if (o_.most_steps == 0 && step >= 8) {
        const auto affordable = static_cast<uint64_t>(seconds / (used / static_cast<double>(step)));
        steps = std::clamp(affordable, step, kUsualSteps);
        if (step == steps) break;
      }
      const double done = static_cast<double>(step) / static_cast<double>(steps);
      base::Result<double> loss = trainer_->Step(shuffle.Next(), RateAt(done, step, std::min(kRising, steps / 10)));
      if (!loss.ok()) return loss.status();
      report_.loss = step == 0 ? *loss : 0.95 * report_.loss + 0.05 * *loss;
      report_.steps = step + 1;
      Report(kTextShare + (1 - kTextShare - kTrialShare) * done);
    }
    report_.training_seconds = SecondsSince(begin);
    return base::Status::Ok();
  }

  base::Status TryAndKeep(const std::vector<std::vector<int32_t>>& kept_back, const std::string& part,
                          const std::string& out) {
    std::vector<const DraftText*> answers;
    uint64_t counted = 0;
    for (const DraftText& text : answers_) {
      answers.push_back(&text);
      counted += text.tokens() - text.first;
    }
    if (counted > 0) {
      base::Result<uint64_t> agreed = trainer_->Agreements(answers);
      if (!agreed.ok()) return agreed.status();
      report_.agreement = static_cast<double>(*agreed) / static_cast<double>(counted);
    }
    const std::vector<std::pair<std::string, gguf::FileValue>> metadata = {
        {"zell.draft.agreement", static_cast<float>(report_.agreement)},
        {"zell.draft.tokens_learnt", report_.tokens},
        {"zell.draft.steps", report_.steps},
    };
    ZELL_RETURN_IF_ERROR(trainer_->Save(part, metadata));
    trainer_.reset();
    const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                          std::chrono::duration<double>(std::max(10.0, o_.seconds * kTrialShare)));
    base::Result<double> gain = Try(model_, part, load_, kept_back, o_.guesses, until, stop_);
    if (!gain.ok()) return gain.status();
    report_.tokens_per_check = *gain;
    Report(1);
    if (*gain < o_.least_gain) return base::Status::Ok();
    std::error_code error;
    std::filesystem::rename(part, out, error);
    if (error) return {base::StatusCode::kIo, "the draft head could not be written to " + out};
    report_.kept = true;
    return base::Status::Ok();
  }

  const std::string& model_;
  const LoadOptions& load_;
  const DraftBuildOptions& o_;
  const std::function<void(uint64_t, uint64_t)>& progress_;
  const std::atomic<bool>& stop_;
  const Clock::time_point begin_ = Clock::now();
  DraftReport report_;
  std::shared_ptr<const gguf::File> file_;
  model::DraftShape shape_;
  std::vector<DraftText> texts_, answers_;
  std::unique_ptr<train::DraftTrainer> trainer_;
};

}  // namespace

base::Result<DraftReport> BuildDraftHead(const std::string& model, const std::vector<std::vector<int32_t>>& prompts,
                                         const std::string& out, const LoadOptions& load,
                                         const DraftBuildOptions& options,
                                         const std::function<void(uint64_t done, uint64_t total)>& progress,
                                         const std::atomic<bool>& stop) {
  return Builder(model, load, options, progress, stop).Run(prompts, out);
}

}  // namespace zell::runtime
