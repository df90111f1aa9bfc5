// Which experts a cache shall keep: estimates when each one is used next.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "backend/expert_source.h"

namespace zell::stream {

using backend::ExpertUse;

/// Learns from the experts that steps use how likely a token goes to each, with a short memory (the text at hand) and a
/// long one (the model's favourites). Banks (the experts of one layer) are used in turn, so the wait for an expert is
/// the way to its bank plus the passes in which it is expected to be left out. Not thread-safe.
class ExpertPolicy {
 public:
  /// [bank] → its experts.
  explicit ExpertPolicy(std::span<const uint32_t> experts_of_bank);

  /// What is known from before: the share of tokens that used each expert, bank by bank. As many as there are experts.
  void Recall(std::span<const float> shares);
  /// A step of `tokens` tokens has come to `bank` and uses these experts.
  void Observe(uint32_t bank, std::span<const ExpertUse> used, uint32_t tokens);
  /// Passes over all banks until the expert is expected to be used, seen from the bank observed last. The expert with
  /// the largest wait is the best to give up.
  float Wait(uint32_t bank, uint32_t expert) const;

 private:
  struct Memory {
    float recent = 0.0f;  ///< share of tokens that used it, the last few weighing most
    float usual = 0.0f;   ///< the same over some hundred tokens
  };
  size_t Index(uint32_t bank, uint32_t expert) const { return first_[bank] + expert; }

  std::vector<size_t> first_;  ///< [bank] → its first expert in `memories_`; one more at the end
  std::vector<Memory> memories_;
  uint32_t at_ = 0;  ///< the bank observed last
};

}  // namespace zell::stream
