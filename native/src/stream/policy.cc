#include "stream/policy.h"

#include <algorithm>
#include <cmath>

namespace zell::stream {
namespace {

// What a memory keeps over one token: half of it after some 3 and some 60 tokens.
constexpr float kRecentKept = 0.8f;
constexpr float kUsualKept = 0.988f;
// Of the estimate; the rest is the usual share.
constexpr float kRecentWeight = 0.6f;
// An expert that was never seen may come all the same.
constexpr float kLeast = 1e-3f;

}  // namespace

ExpertPolicy::ExpertPolicy(std::span<const uint32_t> experts_of_bank) : first_{0} {
  for (const uint32_t experts : experts_of_bank) first_.push_back(first_.back() + experts);
  memories_.resize(first_.back());
}

void ExpertPolicy::Recall(std::span<const float> shares) {
  for (size_t i = 0; i < memories_.size(); ++i) memories_[i].usual = std::clamp(shares[i], 0.0f, 1.0f);
}

void ExpertPolicy::Observe(uint32_t bank, std::span<const ExpertUse> used, uint32_t tokens) {
  at_ = bank;
  const float recent = std::pow(kRecentKept, static_cast<float>(tokens));
  const float usual = std::pow(kUsualKept, static_cast<float>(tokens));
  for (size_t i = first_[bank]; i < first_[bank + size_t{1}]; ++i) {
    memories_[i].recent *= recent;
    memories_[i].usual *= usual;
  }
  for (const ExpertUse& use : used) {
    const float share = static_cast<float>(use.tokens) / static_cast<float>(std::max(1u, tokens));
    Memory& memory = memories_[Index(bank, use.expert)];
    memory.recent += (1.0f - recent) * share;
    memory.usual += (1.0f - usual) * share;
  }
}

float ExpertPolicy::Wait(uint32_t bank, uint32_t expert) const {
  const Memory& memory = memories_[Index(bank, expert)];
  const float chance = kLeast + kRecentWeight * memory.recent + (1.0f - kRecentWeight) * memory.usual;
  const size_t banks = first_.size() - 1;
  const size_t ahead = bank > at_ ? bank - at_ : bank + banks - at_;
  return static_cast<float>(ahead) / static_cast<float>(banks) + 1.0f / std::min(chance, 1.0f) - 1.0f;
}

}  // namespace zell::stream
