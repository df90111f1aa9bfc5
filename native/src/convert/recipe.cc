#include "convert/recipe.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string>

namespace zell::convert {
namespace {

using quant::TensorType;

// Numbers of general.file_type are those that readers of GGUF expect; the mixtures follow llama.cpp's, so that a name
// means the same size and quality everywhere.
const std::vector<Recipe>& Table() {
  constexpr TensorType kQ3 = TensorType::kQ3_K, kQ4 = TensorType::kQ4_K, kQ5 = TensorType::kQ5_K;
  constexpr TensorType kQ6 = TensorType::kQ6_K;
  static const std::vector<Recipe> table = {
      {"F32", 0, TensorType::kF32, TensorType::kF32, {}},
      {"F16", 1, TensorType::kF16, TensorType::kF16, {}},
      {"BF16", 32, TensorType::kBF16, TensorType::kBF16, {}},
      {"Q8_0", 7, TensorType::kQ8_0, TensorType::kQ8_0, {}},
      {"Q6_K", 18, kQ6, kQ6, {}},
      {"Q5_K_M",
       17,
       kQ5,
       kQ6,
       {{Role::kValue, Where::kSpread, kQ6},
        {Role::kFfnDown, Where::kSpread, kQ6},
        {Role::kFusedQkv, Where::kAlways, kQ6}}},
      {"Q5_K_S", 16, kQ5, kQ6, {}},
      {"Q5_1", 9, TensorType::kQ5_1, kQ6, {}},
      {"Q5_0", 8, TensorType::kQ5_0, kQ6, {}},
      {"Q4_K_M",
       15,
       kQ4,
       kQ6,
       {{Role::kValue, Where::kSpread, kQ6},
        {Role::kFfnDown, Where::kSpread, kQ6},
        {Role::kFusedQkv, Where::kAlways, kQ5}}},
      {"Q4_K_S", 14, kQ4, kQ6, {{Role::kValue, Where::kFirstFour, kQ5}, {Role::kFfnDown, Where::kFirstEighth, kQ5}}},
      {"Q4_1", 3, TensorType::kQ4_1, kQ6, {}},
      {"Q4_0", 2, TensorType::kQ4_0, kQ6, {}},
      {"Q3_K_L",
       13,
       kQ3,
       kQ6,
       {{Role::kValue, Where::kAlways, kQ5},
        {Role::kFfnDown, Where::kAlways, kQ5},
        {Role::kAttentionOutput, Where::kAlways, kQ5},
        {Role::kFusedQkv, Where::kAlways, kQ4}}},
      {"Q3_K_M",
       12,
       kQ3,
       kQ6,
       {{Role::kValue, Where::kFirstTwo, kQ5},
        {Role::kValue, Where::kAlways, kQ4},
        {Role::kFfnDown, Where::kFirstSixteenth, kQ5},
        {Role::kFfnDown, Where::kAlways, kQ4},
        {Role::kAttentionOutput, Where::kAlways, kQ4},
        {Role::kFusedQkv, Where::kAlways, kQ4}}},
      {"Q3_K_S", 11, kQ3, kQ6, {}},
      {"Q2_K",
       10,
       TensorType::kQ2_K,
       kQ6,
       {{Role::kValue, Where::kGrouped, kQ4},
        {Role::kValue, Where::kAlways, kQ3},
        {Role::kFfnDown, Where::kAlways, kQ3},
        {Role::kAttentionOutput, Where::kAlways, kQ3}}},
  };
  return table;
}

bool Holds(Where where, const ModelShape& shape, uint32_t layer) {
  const uint32_t n = shape.layers;
  switch (where) {
    case Where::kAlways:
      return true;
    case Where::kFirstTwo:
      return layer < 2;
    case Where::kFirstFour:
      return layer < 4;
    case Where::kFirstSixteenth:
      return layer < n / 16;
    case Where::kFirstEighth:
      return layer < n / 8;
    case Where::kSpread:
      return layer < n / 8 || layer >= 7 * n / 8 || (layer - n / 8) % 3 == 2;
    case Where::kGrouped:
      return shape.grouped;
  }
  return false;
}

/// N of `blk.N.`; 0 for a tensor outside the layers.
uint32_t LayerOf(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  uint32_t layer = 0;
  if (name.starts_with(kPrefix)) std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), layer);
  return layer;
}

/// What a type of super-blocks gives way to where rows are a multiple of 32 only.
TensorType SmallBlockTypeNear(TensorType type) {
  switch (type) {
    case TensorType::kQ6_K:
      return TensorType::kQ8_0;
    case TensorType::kQ5_K:
      return TensorType::kQ5_1;
    case TensorType::kQ4_K:
      return TensorType::kQ5_0;
    default:
      return TensorType::kQ4_0;
  }
}

bool Fits(TensorType type, uint64_t row) { return row % quant::InfoOf(type).block_weights == 0; }

}  // namespace

std::span<const Recipe> Recipes() { return Table(); }

const Recipe* FindRecipe(std::string_view name) {
  std::string upper(name);
  for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (upper == "Q4_K" || upper == "Q5_K" || upper == "Q3_K") upper += "_M";
  for (const Recipe& recipe : Table()) {
    if (upper == recipe.name) return &recipe;
  }
  return nullptr;
}

ModelShape ShapeOf(const gguf::File& file) {
  ModelShape shape;
  const std::string prefix = std::string(file.Str("general.architecture").value_or("")) + ".";
  const uint64_t layers = file.U64(prefix + "block_count").value_or(0);
  shape.layers = static_cast<uint32_t>(std::min<uint64_t>(layers, 1 << 16));
  const uint64_t heads = file.U64(prefix + "attention.head_count").value_or(1);
  const uint64_t kv_heads = std::max<uint64_t>(1, file.U64(prefix + "attention.head_count_kv").value_or(heads));
  shape.grouped = heads / kv_heads >= 4;
  shape.experts = file.U64(prefix + "expert_count").value_or(0) >= 8;
  shape.tied = file.FindTensor("output.weight") == nullptr;
  return shape;
}

Role RoleOf(const gguf::TensorInfo& tensor) {
  const std::string_view name = tensor.name;
  if (tensor.n_dims < 2 || !name.ends_with(".weight")) return Role::kKept;
  // Small, and what a rounding error costs most: norms, routers, positions, token types, convolutions.
  for (const std::string_view part :
       {"_norm", "ffn_gate_inp", "position_embd", "token_types", "ssm_conv1d", "attn_rel_b", "rope_"}) {
    if (name.find(part) != std::string_view::npos) return Role::kKept;
  }
  if (name == "token_embd.weight") return Role::kEmbedding;
  if (name == "output.weight") return Role::kOutput;
  constexpr struct {
    std::string_view end;
    Role role;
  } kEnds[] = {
      {".attn_k.weight", Role::kKey},
      {".attn_v.weight", Role::kValue},
      {".attn_v_b.weight", Role::kValue},
      {".attn_kv_b.weight", Role::kValue},
      {".attn_output.weight", Role::kAttentionOutput},
      {".attn_qkv.weight", Role::kFusedQkv},
      {".ffn_down.weight", Role::kFfnDown},
      {".ffn_down_exps.weight", Role::kFfnDown},
      {".ffn_down_shexp.weight", Role::kFfnDown},
  };
  for (const auto& [end, role] : kEnds) {
    if (name.ends_with(end)) return role;
  }
  return Role::kOther;
}

TensorType TypeFor(const Recipe& recipe, const ModelShape& shape, const gguf::TensorInfo& tensor, bool* fell_back) {
  const Role role = RoleOf(tensor);
  if (role == Role::kKept) return tensor.type;
  const bool quantised = quant::InfoOf(recipe.base).block_weights > 1;
  TensorType type = recipe.base;
  if (role == Role::kOutput || (role == Role::kEmbedding && shape.tied)) {
    type = recipe.output;
  } else if (quantised && shape.experts && (role == Role::kKey || role == Role::kValue)) {
    type = TensorType::kQ8_0;  // beside the experts they weigh next to nothing
  } else {
    const uint32_t layer = LayerOf(tensor.name);
    for (const Rule& rule : recipe.rules) {
      if (rule.role != role || !Holds(rule.where, shape, layer)) continue;
      type = rule.type;
      break;
    }
  }
  const uint64_t row = tensor.dims[0];
  if (Fits(type, row)) return type;
  *fell_back = true;
  const TensorType small = SmallBlockTypeNear(type);
  return Fits(small, row) ? small : TensorType::kF16;
}

}  // namespace zell::convert
