#include "runtime/self_texts.h"

#include <algorithm>
#include <future>

#include "quant/blocks.h"

namespace zell::runtime {
namespace {

// Of a draw: all that is likely at all, and far quicker than the whole vocabulary.
constexpr int32_t kMostChoices = 200;

struct Writing {
  uint32_t sequence = 0;
  std::vector<int32_t> next;  ///< tokens that the sequence does not hold yet
  size_t tokens = 0;          ///< of the text, those included
  train::DraftText text;
};

// Adds what a step said about the tokens that it evaluated.
void Take(const StepOutput& output, train::DraftText& text) {
  std::vector<uint16_t> halves(output.pair_states.size());
  quant::Quantize(quant::TensorType::kF16, output.pair_states.data(), halves.data(), halves.size());
  text.states.insert(text.states.end(), halves.begin(), halves.end());
  for (const sampling::TokenProbability& top : output.pair_tops) {
    text.ids.push_back(top.token);
    text.logprobs.push_back(top.logprob);
  }
}

class Writer {
 public:
  Writer(Engine& engine, const std::vector<std::vector<int32_t>>& prompts, const SelfTextOptions& options)
      : engine_(engine), prompts_(prompts), o_(options) {
    const std::vector<tokenizer::Token>& ends = engine.summary().end_of_generation;
    ends_.insert(ends_.end(), ends.begin(), ends.end());
    begin_ = engine.summary().before_text;
    if (begin_.empty()) begin_ = {ends_.empty() ? 0 : ends_.front()};
  }
  ~Writer() {
    for (const Writing& w : writing_) engine_.FreeSequence(w.sequence);
  }

  base::Status Begin() {
    while (writing_.size() < o_.side_by_side && (o_.most_texts == 0 || begun_ < o_.most_texts)) {
      Writing w;
      const bool free_text = o_.free_texts && begun_ % 3 == 2;
      w.next = free_text ? std::vector<int32_t>(begin_.begin(), begin_.end()) : prompts_[answers_ % prompts_.size()];
      if (!free_text) ++answers_;
      const size_t most = o_.text_tokens / 2;
      if (w.next.size() > most) w.next.erase(w.next.begin(), w.next.end() - static_cast<std::ptrdiff_t>(most));
      w.tokens = w.next.size();
      w.text.top = o_.pairs.top;
      w.text.first = static_cast<uint32_t>(w.tokens - 1);
      w.sequence = engine_.CreateSequence();
      sampling::SamplerParams params;
      params.temperature = free_text ? 1.0f : o_.temperature;
      params.top_k = kMostChoices;
      params.top_p = 1.0f;
      params.min_p = 0.0f;
      params.seed = static_cast<uint32_t>(o_.seed * 1000003 + begun_);
      ++begun_;
      writing_.push_back(std::move(w));
      ZELL_RETURN_IF_ERROR(engine_.SetSampler(writing_.back().sequence, params, {}));
    }
    return base::Status::Ok();
  }

  base::Status Step(std::vector<train::DraftText>& texts) {
    std::vector<StepItem> items;
    for (Writing& w : writing_) {
      StepItem item;
      item.sequence = w.sequence;
      item.tokens = std::move(w.next);
      item.want.sample = true;
      item.want.pairs = o_.pairs;
      items.push_back(std::move(item));
    }
    base::Result<std::vector<StepOutput>> outputs = StepAndWait(engine_, std::move(items));
    if (!outputs.ok()) return outputs.status();
    for (size_t i = 0; i < writing_.size(); ++i) {
      const StepOutput& output = (*outputs)[i];
      if (!output.status.ok()) return output.status;
      Writing& w = writing_[i];
      Take(output, w.text);
      w.next = {*output.sampled};
      ++w.tokens;
      const bool ended = std::find(ends_.begin(), ends_.end(), *output.sampled) != ends_.end();
      if (!ended && w.tokens <= o_.text_tokens) continue;
      End(w, texts);
    }
    std::erase_if(writing_, [](const Writing& w) { return w.tokens == 0; });
    return base::Status::Ok();
  }

  /// What is written of the unfinished ones counts too.
  void EndAll(std::vector<train::DraftText>& texts) {
    for (Writing& w : writing_) End(w, texts);
    writing_.clear();
  }

  bool idle() const { return writing_.empty(); }
  uint64_t tokens() const { return tokens_; }

 private:
  void End(Writing& w, std::vector<train::DraftText>& texts) {
    engine_.FreeSequence(w.sequence);
    w.tokens = 0;
    if (w.text.tokens() <= w.text.first) return;
    tokens_ += w.text.tokens() - w.text.first;
    texts.push_back(std::move(w.text));
  }

  Engine& engine_;
  const std::vector<std::vector<int32_t>>& prompts_;
  const SelfTextOptions& o_;
  std::vector<int32_t> ends_;
  std::vector<tokenizer::Token> begin_;
  std::vector<Writing> writing_;
  uint64_t begun_ = 0, answers_ = 0;
  uint64_t tokens_ = 0;
};

}  // namespace

base::Result<std::vector<StepOutput>> StepAndWait(Engine& engine, std::vector<StepItem> items) {
  std::promise<base::Result<std::vector<StepOutput>>> promise;
  ZELL_RETURN_IF_ERROR(engine.Step(std::move(items), [&](auto result) { promise.set_value(std::move(result)); }));
  return promise.get_future().get();
}

base::Result<std::vector<train::DraftText>> WriteTexts(Engine& engine, const std::vector<std::vector<int32_t>>& prompts,
                                                       const SelfTextOptions& options,
                                                       const std::function<void(double)>& progress,
                                                       const std::atomic<bool>& stop) {
  using Clock = std::chrono::steady_clock;
  std::vector<train::DraftText> texts;
  Writer writer(engine, prompts, options);
  const Clock::time_point begin = Clock::now();
  for (;;) {
    if (stop.load(std::memory_order_relaxed)) return base::Status{base::StatusCode::kCancelled, "cancelled"};
    const bool enough = options.most_tokens > 0 && writer.tokens() >= options.most_tokens;
    if (enough || Clock::now() >= options.until) break;
    ZELL_RETURN_IF_ERROR(writer.Begin());
    if (writer.idle()) break;
    ZELL_RETURN_IF_ERROR(writer.Step(texts));
    const double of_time = (Clock::now() - begin) / std::chrono::duration<double>(options.until - begin);
    const double of_tokens =
        options.most_tokens == 0 ? 0 : static_cast<double>(writer.tokens()) / static_cast<double>(options.most_tokens);
    if (progress) progress(std::min(1.0, std::max(of_time, of_tokens)));
  }
  writer.EndAll(texts);
  return texts;
}

}  // namespace zell::runtime
