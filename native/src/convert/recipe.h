// What `Q4_K_M` and the like stand for: which tensor of a model becomes which type.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "gguf/file.h"
#include "quant/blocks.h"

namespace zell::convert {

/// The part a matrix plays; mixtures give some parts more bits.
enum class Role { kOther, kEmbedding, kOutput, kKey, kValue, kAttentionOutput, kFusedQkv, kFfnDown, kKept };

/// In which layers a rule holds.
enum class Where {
  kAlways,
  kFirstTwo,
  kFirstFour,
  kFirstSixteenth,
  kFirstEighth,
  kSpread,   ///< the first and the last eighth, and every third layer between them
  kGrouped,  ///< in models with four query heads or more to a KV head
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
  std::vector<Rule> rules;  ///< the first that holds counts
};

/// Every recipe, smallest files last. Names of plain types (`Q8_0`) are recipes too.
std::span<const Recipe> Recipes();
/// Upper and lower case alike; nullptr for an unknown name.
const Recipe* FindRecipe(std::string_view name);

/// What a recipe needs to know of the whole model.
struct ModelShape {
  uint32_t layers = 0;
  bool tied = false;     ///< the embedding is the output matrix, too
  bool grouped = false;  ///< at least four query heads to a KV head
  bool experts = false;  ///< at least eight
};
ModelShape ShapeOf(const gguf::File& file);

Role RoleOf(const gguf::TensorInfo& tensor);
/// Its own type for a kept tensor. A row that is no whole number of blocks gets the nearest type that fits;
/// `fell_back` then becomes true.
quant::TensorType TypeFor(const Recipe& recipe, const ModelShape& shape, const gguf::TensorInfo& tensor,
                          bool* fell_back);

}  // namespace zell::convert
