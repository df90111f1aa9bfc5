// A sliding window with counts; without a penalty it remembers nothing.
#include "sampling/history.h"

#include "sampling/candidates.h"

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

void History::Apply(std::span<float> logits) const {
  for (const auto& [token, count] : counts_) {
    if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
    float& logit = logits[static_cast<size_t>(token)];
    logit = logit > 0 ? logit / repeat_ : logit * repeat_;
    logit = Ordered(logit - (static_cast<float>(count) * frequency_ + presence_));
  }
}

}  // namespace zell::sampling::internal
