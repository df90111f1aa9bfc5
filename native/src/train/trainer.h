// The trainer: a model file, a recipe and items in; steps, checkpoints and an adapter out.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/sha256.h"
#include "base/status.h"
#include "train/recipe.h"

namespace zell::train {

/// Known when a trainer is opened: memory beside the mapped file, in bytes.
struct TrainerPlan {
  uint64_t adapter_bytes = 0, activation_bytes = 0, scratch_bytes = 0, total_bytes = 0;
  uint64_t available_bytes = 0;
  uint64_t parameters = 0, matrices = 0;
  uint32_t kept_layers = 0, layers = 0;
  int threads = 1;
  Numerics numerics = Numerics::kF32;
  std::string model_hash;
};

struct Progress {
  uint64_t step = 0, steps = 0;
  double loss = 0.0, anchor_loss = 0.0;  ///< per counted token; NaN: there were none
  double learning_rate = 0.0, gradient_norm = 0.0;
  uint64_t tokens = 0, total_tokens = 0;
  double step_ms = 0.0;
};

/// Of each counted token `top` ids with their log-probabilities, likeliest first.
struct Distributions {
  uint32_t top = 0;
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
};

/// One owner thread at a time; Pause, Resume and Stop from any. Everything that it computes depends on model, recipe
/// (threads excepted) and items alone, bit by bit, whatever was paused, stopped, saved and loaded in between.
class Trainer {
 public:
  /// `warm_start`: an adapter to begin with; its rank, alpha and matrices replace the recipe's. Empty: none.
  /// @errors as gguf::File::Open and model::BuildPlan; kInvalidRequest (recipe); kUnsupported: what of the model has no
  /// backward pass; kOutOfMemory: says what it needs and what there is.
  static base::Result<std::unique_ptr<Trainer>> Open(const std::string& model, const Recipe& recipe,
                                                     const std::string& warm_start);
  ~Trainer();

  const TrainerPlan& plan() const;
  /// All or none. @errors kInvalidRequest, kTooLarge; kAlreadyRunning: after the first step.
  base::Status AddItems(std::vector<Item> items);
  /// Of the whole training.
  uint64_t Steps() const;

  /// Up to `steps` more. `on_step` runs on this thread.
  /// @errors kCancelled after Stop: the step that was running is as if it had not begun; kInvalidRequest: no items;
  /// kOutOfMemory; kInternal: the gradient is not finite.
  base::Result<Progress> Run(uint64_t steps, const std::function<void(const Progress&)>& on_step);
  void Pause();
  void Resume();
  /// Ends a running Run or BaseDistributions soon. When none runs, the next one ends at once.
  void Stop();

  /// @errors as WriteCheckpoint and ReadCheckpoint.
  base::Status SaveCheckpoint(const std::string& path);
  base::Status LoadCheckpoint(const std::string& path);
  /// A GGUF adapter in F32. @return the file's SHA-256. @errors of lora::WriteAdapter.
  base::Result<std::string> SaveAdapter(const std::string& path,
                                        const std::vector<std::pair<std::string, std::string>>& metadata);
  std::string AdapterHash() const;

  /// What the model without an adapter answers. @errors kInvalidRequest, kTooLarge, kCancelled, kOutOfMemory.
  base::Result<Distributions> BaseDistributions(const Item& item, uint32_t top);

 private:
  struct Impl;
  explicit Trainer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace zell::train
