// Guesses which experts the next routing will choose, by running its router on the state as it is now.
#pragma once

#include <vector>

#include "backend/cpu/run_state.h"
#include "base/aligned_buffer.h"

namespace zell::backend {

/// What leads from the hidden state to a choice of experts.
struct Router {
  const Op* norm = nullptr;  ///< nullptr: this routing is made in another way, and nothing can be guessed
  const Op* product = nullptr;
  const Op* route = nullptr;
};

/// Knows the routers of a plan's body. Not thread-safe.
class Guesser {
 public:
  /// `plan` must stay.
  explicit Guesser(const Plan& plan);

  /// Whether routing `routing`, counted in the body, can be guessed while the one before it runs.
  bool Can(uint32_t routing) const;
  /// What routing `routing` will probably use, those with most tokens first, from `rows` rows of the state that the
  /// routing before it has just seen. Of a long batch a few rows are asked; where it is so long that hardly an expert
  /// is left out, none are. Stays until the next call.
  const std::vector<ExpertUse>& Guess(const Machine& machine, uint32_t routing, size_t rows);

 private:
  void Ask(const Machine& machine, const Router& router, const float* state);

  const Plan& plan_;
  std::vector<Router> routers_;
  std::vector<float> normed_, logits_, chosen_, scratch_;
  base::AlignedBuffer<uint8_t> column_;  ///< `normed_` as the product wants it
  std::vector<uint32_t> tokens_;         ///< [expert]
  std::vector<ExpertUse> guess_;
};

}  // namespace zell::backend
