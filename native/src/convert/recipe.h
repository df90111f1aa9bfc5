// What `Q4_K_M` and the like stand for: which tensor of a model becomes which type.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "gguf/file.h"
#include "quant/blocks.h"

namespace zell::convert {

/// The part a matrix plays; mixtures give some parts more bits.
enum class Role {
  kOther,
  kEmbedding,
  kOutput,
  kKey,
  kValue,  ///< values, also fused with queries and keys, or with keys as a latent state's
  kAttentionOutput,
  kFfnDown,
  kKept,
};

/// When a rule holds.
enum class Where {
  kAlways,
  kFirstTwo,
  kFirstFour,
  kFirstSixteenth,
  kFirstEighth,
  kFirstEighthWeighted,    ///< and with an importance matrix
  kFirstEighthUnweighted,  ///< and without
  kSpread,                 ///< the first and the last eighth, and every third layer between them
  kGrouped,                ///< in models with four query heads or more to a KV head
  kEightExperts,           ///< in models with just eight experts
};

struct Rule {
  Role role;
  Where where;
  quant::TensorType type;
};

struct Recipe {
  const char* name;        ///< `Q4_K_M`
  uint32_t file_type;      ///< `general.file_type`
  quant::TensorType base;  ///< of matrices without a rule
  quant::TensorType output;
  std::vector<Rule> rules = {};   ///< the first that holds counts
  std::vector<Rule> falcon = {};  ///< in Falcon models these come first
  /// Of stacks of matrices (experts), whatever the rules say.
  std::optional<quant::TensorType> stacked = {};
};

/// Every recipe, smallest files last. Names of plain types (`Q8_0`) are recipes too.
std::span<const Recipe> Recipes();
/// Upper and lower case alike; nullptr for an unknown name.
const Recipe* FindRecipe(std::string_view name);

/// `wanted` where rows of `row` weights are whole blocks of it; else what llama.cpp's own tool takes in its place: a
/// type of smaller blocks, F16 where nothing fits.
quant::TensorType TypeForRow(quant::TensorType wanted, uint64_t row);

/// What a recipe needs to know of the whole model.
struct ModelShape {
  std::string architecture = {};
  uint32_t layers = 0;
  uint64_t heads = 1;
  uint64_t kv_heads = 1;
  uint64_t experts = 0;
  bool weighted = false;  ///< an importance matrix is used
  bool tied = false;      ///< the embedding is the output matrix, too
  /// Which of the model's matrices of its role a tensor is, in the order of layers; of kValue and kFfnDown only.
  std::unordered_map<std::string, uint32_t> rank = {};
  uint32_t values = 0;  ///< matrices of kValue

  /// Fills `tied`, `rank` and `values`.
  void Count(std::span<const gguf::TensorInfo> tensors);
};
ModelShape ShapeOf(const gguf::File& file, bool weighted);

Role RoleOf(const gguf::TensorInfo& tensor);
/// Its own type for a kept tensor, else TypeForRow of what the recipe says; `fell_back`: whether that is another.
quant::TensorType TypeFor(const Recipe& recipe, const ModelShape& shape, const gguf::TensorInfo& tensor,
                          bool* fell_back);

}  // namespace zell::convert
