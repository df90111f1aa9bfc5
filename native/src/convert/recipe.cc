#include "convert/recipe.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <iterator>

namespace zell::convert {
namespace {

using quant::TensorType;

constexpr Role kValue = Role::kValue, kDown = Role::kFfnDown, kOut = Role::kAttentionOutput;

// Numbers of general.file_type are those that readers of GGUF expect; the mixtures follow llama.cpp's, so that a name
// means the same size and quality everywhere (recipe_oracle_test).
const std::vector<Recipe>& Table() {
  constexpr TensorType kQ2 = TensorType::kQ2_K, kQ3 = TensorType::kQ3_K, kQ4 = TensorType::kQ4_K;
  constexpr TensorType kQ5 = TensorType::kQ5_K, kQ6 = TensorType::kQ6_K, kQ8 = TensorType::kQ8_0;
  constexpr Rule kExpertOutput = {kOut, Where::kEightExperts, kQ5};
  static const std::vector<Rule> four_bits = {
      {kValue, Where::kGrouped, kQ5}, {kDown, Where::kFirstEighthUnweighted, kQ5}, kExpertOutput};
  static const std::vector<Rule> ternary = {{Role::kEmbedding, Where::kAlways, kQ4}};
  static const std::vector<Recipe> table = {
      {"F32", 0, TensorType::kF32, TensorType::kF32},
      {"F16", 1, TensorType::kF16, TensorType::kF16},
      {"BF16", 32, TensorType::kBF16, TensorType::kBF16},
      {"Q8_0", 7, kQ8, kQ8},
      {"Q6_K", 18, kQ6, kQ6},
      {"Q5_K_M", 17, kQ5, kQ6, {{kValue, Where::kSpread, kQ6}, {kDown, Where::kSpread, kQ6}}},
      {"Q5_K_S", 16, kQ5, kQ6},
      {"Q5_1", 9, TensorType::kQ5_1, kQ6},
      {"Q5_0", 8, TensorType::kQ5_0, kQ6, {{kDown, Where::kFirstEighthWeighted, TensorType::kQ5_1}}},
      {"Q4_K_M",
       15,
       kQ4,
       kQ6,
       {{kValue, Where::kSpread, kQ6}, {kDown, Where::kSpread, kQ6}, kExpertOutput},
       {{kDown, Where::kFirstSixteenth, kQ6}, {kDown, Where::kSpread, kQ5}, {kDown, Where::kAlways, kQ4}}},
      {"Q4_K_S",
       14,
       kQ4,
       kQ6,
       {{kValue, Where::kFirstFour, kQ5}, {kDown, Where::kFirstEighth, kQ5}, kExpertOutput},
       {{kDown, Where::kAlways, kQ4}}},
      {"Q4_1", 3, TensorType::kQ4_1, kQ6},
      {"IQ4_NL", 25, TensorType::kIQ4_NL, kQ6, four_bits},
      {"Q4_0", 2, TensorType::kQ4_0, kQ6, {{kDown, Where::kFirstEighthWeighted, TensorType::kQ4_1}}},
      {"IQ4_XS", 30, TensorType::kIQ4_XS, kQ6, four_bits},
      // 38 is the number of files whose experts alone are MXFP4; there is none for those that are so throughout.
      {"MXFP4_MOE", 38, kQ8, kQ8, {}, {}, TensorType::kMXFP4},
      {"MXFP4", 38, TensorType::kMXFP4, kQ8},
      {"Q3_K_L",
       13,
       kQ3,
       kQ6,
       {{kValue, Where::kAlways, kQ5},
        {kDown, Where::kAlways, kQ5},
        {kOut, Where::kEightExperts, kQ3},
        {kOut, Where::kAlways, kQ5}},
       {{kDown, Where::kAlways, kQ4}, {kOut, Where::kAlways, kQ4}}},
      {"Q3_K_M",
       12,
       kQ3,
       kQ6,
       {{kValue, Where::kFirstTwo, kQ5},
        {kValue, Where::kAlways, kQ4},
        {kDown, Where::kFirstSixteenth, kQ5},
        {kDown, Where::kAlways, kQ4},
        kExpertOutput,
        {kOut, Where::kAlways, kQ4}},
       {{kDown, Where::kFirstSixteenth, kQ5},
        {kDown, Where::kSpread, kQ4},
        {kDown, Where::kAlways, kQ3},
        {kOut, Where::kAlways, kQ3}}},
      {"Q3_K_S", 11, kQ3, kQ6, {kExpertOutput}},
      {"Q2_K",
       10,
       kQ2,
       kQ6,
       {{kValue, Where::kGrouped, kQ4},
        {kValue, Where::kAlways, kQ3},
        {kDown, Where::kAlways, kQ3},
        kExpertOutput,
        {kOut, Where::kAlways, kQ3}},
       {{kOut, Where::kAlways, kQ2}}},
      {"TQ2_0", 37, TensorType::kTQ2_0, kQ6, ternary},
      {"TQ1_0", 36, TensorType::kTQ1_0, kQ6, ternary},
  };
  return table;
}

/// N of `blk.N.`; nothing for a tensor outside the layers.
std::optional<uint32_t> LayerOf(std::string_view name) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return {};
  uint32_t layer = 0;
  const char* const end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(name.data() + kPrefix.size(), end, layer);
  return error == std::errc() && rest != end && *rest == '.' ? std::optional(layer) : std::nullopt;
}

bool Spread(uint32_t i, uint32_t n) { return i < n / 8 || i >= 7 * n / 8 || (i - n / 8) % 3 == 2; }

/// `i` of `n`: a tensor's place in the model.
bool Holds(Where where, const ModelShape& shape, uint32_t i, uint32_t n) {
  switch (where) {
    case Where::kAlways:
      return true;
    case Where::kFirstTwo:
      return i < 2;
    case Where::kFirstFour:
      return i < 4;
    case Where::kFirstSixteenth:
      return i < n / 16;
    case Where::kFirstEighth:
      return i < n / 8;
    case Where::kFirstEighthWeighted:
      return i < n / 8 && shape.weighted;
    case Where::kFirstEighthUnweighted:
      return i < n / 8 && !shape.weighted;
    case Where::kSpread:
      return Spread(i, n);
    case Where::kGrouped:
      return shape.heads / shape.kv_heads >= 4;
    case Where::kEightExperts:
      return shape.experts == 8;
  }
  return false;
}

/// The nearest type with blocks of 32 weights.
TensorType SmallBlockTypeNear(TensorType type) {
  switch (type) {
    case TensorType::kQ6_K:
      return TensorType::kQ8_0;
    case TensorType::kQ5_K:
      return TensorType::kQ5_1;
    case TensorType::kQ4_K:
      return TensorType::kQ5_0;
    case TensorType::kIQ4_XS:
    case TensorType::kIQ3_S:
    case TensorType::kIQ3_XXS:
    case TensorType::kIQ2_S:
    case TensorType::kIQ2_XS:
    case TensorType::kIQ2_XXS:
    case TensorType::kIQ1_S:
    case TensorType::kIQ1_M:
      return TensorType::kIQ4_NL;
    case TensorType::kQ3_K:
    case TensorType::kQ2_K:
    case TensorType::kQ2_0:
    case TensorType::kTQ1_0:
    case TensorType::kTQ2_0:
      return TensorType::kQ4_0;
    default:
      return TensorType::kQ8_0;
  }
}

bool Fits(TensorType type, uint64_t row) { return row % quant::InfoOf(type).block_weights == 0; }

/// Whether eight or more query heads share the values of a model of 70B: those then weigh little and matter much.
bool SharesFewValues(const ModelShape& shape) {
  const std::string& a = shape.architecture;
  if (a == "llama") return shape.layers == 80 && shape.heads != shape.kv_heads;
  return shape.layers == 80 && (a == "qwen2" || a == "deci" || a == "olmo");
}

TensorType TypeByRules(const Recipe& recipe, const ModelShape& shape, const gguf::TensorInfo& tensor, Role role) {
  if (shape.experts == 8 && (role == Role::kKey || role == kValue)) {
    return TensorType::kQ8_0;  // beside the experts they weigh next to nothing
  }
  uint32_t i = LayerOf(tensor.name).value_or(0), n = shape.layers;
  if (role == kValue || (role == kDown && shape.experts <= 1)) {
    const auto found = shape.rank.find(tensor.name);
    if (found != shape.rank.end()) i = found->second;
    if (role == kValue) n = shape.values;
  }
  TensorType type = recipe.base;
  const auto first = [&](const std::vector<Rule>& rules) {
    const auto rule = std::find_if(rules.begin(), rules.end(),
                                   [&](const Rule& r) { return r.role == role && Holds(r.where, shape, i, n); });
    if (rule != rules.end()) type = rule->type;
    return rule != rules.end();
  };
  if (shape.architecture != "falcon" || !first(recipe.falcon)) first(recipe.rules);
  const bool raise = role == kValue && (type == TensorType::kQ3_K || type == TensorType::kQ4_K);
  return raise && SharesFewValues(shape) ? TensorType::kQ5_K : type;
}

/// The first number of a list of one for each layer, or the one that holds for all of them.
std::optional<uint64_t> FirstOf(const gguf::File& file, const std::string& key) {
  const gguf::Value* value = file.Find(key);
  if (value == nullptr) return {};
  if (const auto* list = std::get_if<std::vector<uint64_t>>(value)) {
    return list->empty() ? std::nullopt : std::optional(list->front());
  }
  if (const auto* list = std::get_if<std::vector<int64_t>>(value)) {
    return list->empty() || list->front() < 0 ? std::nullopt : std::optional(static_cast<uint64_t>(list->front()));
  }
  return file.U64(key);
}

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

TensorType TypeForRow(TensorType wanted, uint64_t row) {
  if (Fits(wanted, row)) return wanted;
  const TensorType small = SmallBlockTypeNear(wanted);
  return Fits(small, row) ? small : TensorType::kF16;
}

void ModelShape::Count(std::span<const gguf::TensorInfo> tensors) {
  struct Place {
    int64_t layer;
    std::string_view name;
    bool operator<(const Place& other) const { return layer != other.layer ? layer < other.layer : name < other.name; }
  };
  std::vector<Place> of_values, of_downs;
  tied = true;
  for (const gguf::TensorInfo& tensor : tensors) {
    const Role role = RoleOf(tensor);
    if (tensor.name == "output.weight") tied = false;
    const std::optional<uint32_t> layer = LayerOf(tensor.name);
    const Place place{layer ? int64_t{*layer} : -1, tensor.name};
    if (role == Role::kValue) of_values.push_back(place);
    if (role == Role::kFfnDown) of_downs.push_back(place);
  }
  for (std::vector<Place>* places : {&of_values, &of_downs}) {
    std::sort(places->begin(), places->end());
    for (size_t i = 0; i < places->size(); ++i) rank[std::string((*places)[i].name)] = static_cast<uint32_t>(i);
  }
  values = static_cast<uint32_t>(of_values.size());
}

ModelShape ShapeOf(const gguf::File& file, bool weighted) {
  ModelShape shape;
  shape.architecture = file.Str("general.architecture").value_or("");
  const std::string prefix = shape.architecture + ".";
  const uint64_t layers = file.U64(prefix + "block_count").value_or(0);
  shape.layers = static_cast<uint32_t>(std::min<uint64_t>(layers, 1 << 16));
  shape.heads = FirstOf(file, prefix + "attention.head_count").value_or(1);
  shape.kv_heads = std::max<uint64_t>(1, FirstOf(file, prefix + "attention.head_count_kv").value_or(shape.heads));
  shape.experts = file.U64(prefix + "expert_count").value_or(0);
  shape.weighted = weighted;
  shape.Count(file.tensors());
  return shape;
}

Role RoleOf(const gguf::TensorInfo& tensor) {
  const std::string_view name = tensor.name;
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (tensor.n_dims < 2 || !name.ends_with("weight")) return Role::kKept;
  // Small, or what a rounding error costs most: norms, routers, positions, token types, convolutions, mixing vectors.
  constexpr std::string_view kKept[] = {
      "_norm.weight",
      "ffn_gate_inp.weight",
      "position_embd",
      "token_types.weight",
      "attn_rel_b.weight",
      "ssm_conv1d",
      "shortconv.conv.weight",
      "altup",
      "laurel",
      "per_layer_model_proj",
      "indexer.k_proj.weight",
      "indexer.q_proj.weight",
      "time_mix_first",
      "time_mix_w0.weight",
      "time_mix_w1.weight",
      "time_mix_w2.weight",
      "time_mix_v0.weight",
      "time_mix_v1.weight",
      "time_mix_v2.weight",
      "time_mix_a0.weight",
      "time_mix_a1.weight",
      "time_mix_a2.weight",
      "time_mix_g1.weight",
      "time_mix_g2.weight",
      "time_mix_decay_w1",
      "time_mix_decay_w2",
      "time_mix_lerp_fused",
      "rope_",
  };
  if (std::any_of(std::begin(kKept), std::end(kKept), has)) return Role::kKept;
  if (name == "token_embd.weight" || name == "per_layer_token_embd.weight") return Role::kEmbedding;
  if (name == "output.weight") return Role::kOutput;
  if (has("attn_qkv.weight") || has("attn_kv_b.weight") || has("attn_v.weight")) return Role::kValue;
  if (has("attn_k.weight")) return Role::kKey;
  if (has("attn_output.weight")) return Role::kAttentionOutput;
  if (has("ffn_down")) return Role::kFfnDown;
  return Role::kOther;
}

TensorType TypeFor(const Recipe& recipe, const ModelShape& shape, const gguf::TensorInfo& tensor, bool* fell_back) {
  const Role role = RoleOf(tensor);
  *fell_back = false;
  if (role == Role::kKept) return tensor.type;
  const bool quantised = quant::InfoOf(recipe.base).block_weights > 1;
  TensorType type = recipe.base;
  if (role == Role::kOutput || (role == Role::kEmbedding && shape.tied)) {
    type = quantised && shape.architecture == "falcon" ? TensorType::kQ8_0 : recipe.output;
  } else if (recipe.stacked) {
    type = tensor.dims[2] > 1 ? *recipe.stacked : recipe.base;
  } else if (quantised) {
    type = TypeByRules(recipe, shape, tensor, role);
  }
  const TensorType fitting = TypeForRow(type, tensor.dims[0]);
  *fell_back = fitting != type;
  return fitting;
}

}  // namespace zell::convert
