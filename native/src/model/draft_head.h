// A draft head: blocks like the model's own that read the hidden state after its first layers and guess the next token.
// Its file (docs/formats/draft-head.md), and what it adds to the model's plan.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "base/status.h"
#include "gguf/file.h"

namespace zell::model {

/// What a head consists of, beside its numbers.
struct DraftShape {
  uint32_t exit_layer = 0;       ///< so many layers of the model run before it
  std::vector<uint32_t> blocks;  ///< the layer of the model that each block is built like
  std::vector<int32_t> tokens;   ///< the tokens that it can guess, ascending
};

/// The operations of one layer, which read the hidden state and nothing else of other layers.
/// @errors kUnsupported: what of the layer a block cannot have.
base::Result<std::vector<backend::Op>> BlockOps(const backend::Plan& plan, uint32_t layer);
/// `blk.7.attn_q.weight` is `draft.1.attn_q.weight` in block 1; empty: not a name of that layer.
std::string DraftTensor(const std::string& tensor, uint32_t layer, size_t block);
constexpr const char* kDraftNorm = "draft.output_norm.weight";
/// The head's product that makes the logits; nullptr: several, or none.
const backend::Op* LogitsOp(const backend::Plan& plan);
/// Rows of the output matrix, one for each of `tokens`.
std::vector<uint8_t> OutputRows(const backend::Weight& output, const std::vector<int32_t>& tokens);
/// @errors kBadModelFile: what of the shape does not fit the plan.
base::Status CheckShape(const DraftShape& shape, const backend::Plan& plan);

/// Outlives the plans that it was added to.
class DraftHead {
 public:
  /// @errors as gguf::File::Open; kBadModelFile: damaged; kUnsupported: of another version or another model.
  static base::Result<std::unique_ptr<DraftHead>> Open(const std::string& path, const gguf::File& model);

  const DraftShape& shape() const { return shape_; }
  /// Of memory: its weights, and its rows of the output matrix.
  uint64_t bytes() const;

  /// From then on every run of the plan, fused or not, also computes the keys and values of the head's blocks, from the
  /// same hidden states; its results stay as they were. Once, before the plan's weights move.
  /// @errors kBadModelFile, kUnsupported: what does not fit.
  base::Status AddTo(backend::Plan& plan);
  /// The plan of a guess: the first layers, then the head. Its logits are those of shape().tokens, its KV groups,
  /// weights and sources the model's.
  backend::Plan GuessPlan(const backend::Plan& plan) const;

 private:
  DraftHead() = default;
  base::Status AddBlock(backend::Plan& plan, size_t block);
  base::Result<backend::WeightId> AddWeight(backend::Plan& plan, const std::string& name, const backend::Weight& like);
  base::Status AddNorm(backend::Plan& plan);

  std::shared_ptr<const gguf::File> file_;
  DraftShape shape_;
  std::vector<uint8_t> output_rows_;
  backend::ValueId state_ = -1;  ///< the hidden state in the head
  std::vector<backend::Op> blocks_;
  backend::WeightId norm_ = -1, output_ = -1;
};

}  // namespace zell::model
