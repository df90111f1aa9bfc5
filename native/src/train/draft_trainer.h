// Trains a draft head for a model: its blocks learn to guess what the whole model will say from the hidden state after
// the first layers.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"
#include "gguf/file.h"
#include "gguf/writer.h"
#include "model/draft_head.h"
#include "train/recipe.h"

namespace zell::train {

/// A text as the whole model saw it: at most row_tokens tokens from its beginning.
struct DraftText {
  std::vector<uint16_t> states;  ///< [tokens][width], F16: after the layers before the head
  std::vector<int32_t> ids;      ///< [tokens][top]: what the model finds likeliest after each token, best first
  std::vector<float> logprobs;   ///< likewise
  uint32_t top = 0;
  uint32_t first = 0;  ///< so many of its tokens are seen, and what comes after them is not learnt

  size_t tokens() const { return top == 0 ? 0 : ids.size() / top; }
};

struct DraftRecipe {
  model::DraftShape shape;
  uint32_t row_tokens = 1024;  ///< computed side by side
  int threads = 1;
  Numerics numerics = Numerics::kFastest;
};

/// One owner thread; Stop from any. Threads change no bit of what is learnt.
class DraftTrainer {
 public:
  /// Blocks begin as the model's layers that they are built like, the norm as its output's.
  /// @errors kBadModelFile, kUnsupported: what of shape or model does not fit; kOutOfMemory.
  static base::Result<std::unique_ptr<DraftTrainer>> Open(std::shared_ptr<const gguf::File> file, DraftRecipe recipe);
  ~DraftTrainer();

  uint64_t parameters() const;
  /// One update. @returns the divergence from the model per token. @errors kCancelled after Stop; kInvalidRequest: a
  /// text that is longer than a row, or of another width; kOutOfMemory; kInternal: the gradient is not finite.
  base::Result<double> Step(std::span<const DraftText* const> texts, double rate);
  /// At how many of the texts' tokens head and model guess the same. @errors as Step.
  base::Result<uint64_t> Agreements(std::span<const DraftText* const> texts);
  /// Any thread; the running call ends soon, and so does every later one.
  void Stop();
  /// docs/formats/draft-head.md. @errors kIo, kNotFound.
  base::Status Save(const std::string& path, const std::vector<std::pair<std::string, gguf::FileValue>>& metadata);

 private:
  struct Impl;
  explicit DraftTrainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace zell::train
