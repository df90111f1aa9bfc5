// A sliding window with counts; without a penalty it remembers nothing.
#include "sampling/history.h"

namespace zell::sampling::internal {

History::History(const SamplerParams& params)
    : repeat_(params.repeat_penalty),
      frequency_(params.frequency_penalty),
      presence_(params.presence_penalty),
      last_n_(params.repeat_last_n),
      active_(last_n_ != 0 && (repeat_ != 1.0f || frequency_ != 0.0f || presence_ != 0.0f)) {}

void History::Accept(int32_t token) {
  if (!active_) return;
  ++counts_[token];
  if (last_n_ < 0) return;
  window_.push_back(token);
  if (window_.size() <= static_cast<size_t>(last_n_)) return;
  const auto oldest = counts_.find(window_.front());
  if (--oldest->second == 0) counts_.erase(oldest);
  window_.pop_front();
}

float History::Penalised(float logit, int32_t count) const {
  const float repeated = logit > 0 ? logit / repeat_ : logit * repeat_;
  return Ordered(repeated - (static_cast<float>(count) * frequency_ + presence_));
}

void History::Apply(std::span<float> logits) const {
  for (const auto& [token, count] : counts_) {
    if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
    float& logit = logits[static_cast<size_t>(token)];
    logit = Penalised(logit, count);
  }
}

void History::Apply(std::vector<Candidate>& candidates) const {
  for (Candidate& c : candidates) {
    const auto found = counts_.find(c.token);
    if (found != counts_.end()) c.logit = Penalised(c.logit, found->second);
  }
}

}  // namespace zell::sampling::internal
