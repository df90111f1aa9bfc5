// Our mixtures against the oracle's: every matrix of models of many shapes gets the type that llama.cpp gives it.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include "check.h"
#include "convert/recipe.h"

#if !defined(_WIN32)
#include <dlfcn.h>

namespace zell::convert {
namespace {

using quant::TensorType;

/// What llama.cpp makes a model without a file of, for its own tests of the same thing.
struct ModelDescription {
  const char* architecture;
  uint32_t n_embd, n_ff, n_layer, n_head, n_head_kv, n_expert, n_embd_head_k, n_embd_head_v;
};

/// Functions of libllama and libggml-base as the tested release exports them; it declares no C names for some.
struct Oracle {
  struct QuantizeParams {
    int32_t threads, file_type, output_type, embedding_type;
    bool allow_requantize, quantize_output, only_copy, pure, keep_split, dry_run;
    const void *importance, *overrides, *types, *prune;
    size_t most_bytes;
  };
  struct ContextParams {
    size_t size;
    void* buffer;
    bool no_alloc;
  };

  QuantizeParams (*default_params)();
  void* (*make_model)(const ModelDescription*);
  void (*free_model)(void*);
  void* (*init)(const void* model, const QuantizeParams*);
  void (*free)(void*);
  void (*compute)(void*, int32_t file_type, void** tensors, int32_t* types, size_t n);
  bool (*allows)(const void*, const void* tensor);
  void* (*make_context)(ContextParams);
  void (*free_context)(void*);
  void* (*make_tensor)(void* context, int32_t type, int32_t n_dims, const int64_t* dims);
  void* (*name_tensor)(void* tensor, const char* name);
  void (*set_log)(void (*)(int, const char*, void*), void*);
};

/// nullptr when there is no oracle, or another release. Never closed.
const Oracle* FindOracle() {
  static const Oracle* const found = []() -> const Oracle* {
    static Oracle oracle{};
    const char* named = std::getenv("ZELL_ORACLE_DIR");
    const std::filesystem::path source(__FILE__);  // ROOT/native/src/convert/recipe_oracle_test.cc
    const std::filesystem::path folder = named != nullptr
                                             ? std::filesystem::path(named)
                                             : source.parent_path().parent_path().parent_path().parent_path() /
                                                   "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64";
    void *llama = nullptr, *ggml = ::dlopen((folder / "libggml-base.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("libllama.")) llama = ::dlopen(entry.path().c_str(), RTLD_NOW | RTLD_LOCAL);
    }
    if (llama == nullptr || ggml == nullptr) return nullptr;
    bool all = true;
    const auto bind = [&](void* library, const char* name, auto* function) {
      *reinterpret_cast<void**>(function) = ::dlsym(library, name);
      all = all && *function != nullptr;
    };
    bind(llama, "llama_model_quantize_default_params", &oracle.default_params);
    bind(llama, "_Z31llama_quant_model_from_metadataPK22llama_quant_model_desc", &oracle.make_model);
    bind(llama, "llama_model_free", &oracle.free_model);
    bind(llama, "_Z16llama_quant_initPK11llama_modelPK27llama_model_quantize_params", &oracle.init);
    bind(llama, "_Z16llama_quant_freeP19quantize_state_impl", &oracle.free);
    bind(llama, "_Z25llama_quant_compute_typesP19quantize_state_impl11llama_ftypePP11ggml_tensorP9ggml_typem",
         &oracle.compute);
    bind(llama, "_Z38llama_quant_tensor_allows_quantizationPK19quantize_state_implPK11ggml_tensor", &oracle.allows);
    bind(llama, "llama_log_set", &oracle.set_log);
    bind(ggml, "ggml_init", &oracle.make_context);
    bind(ggml, "ggml_free", &oracle.free_context);
    bind(ggml, "ggml_new_tensor", &oracle.make_tensor);
    bind(ggml, "ggml_set_name", &oracle.name_tensor);
    if (!all) return nullptr;
    oracle.set_log([](int, const char*, void*) {}, nullptr);
    return &oracle;
  }();
  return found;
}

struct Model {
  const char* what;
  ModelDescription description;
  bool tied = false;
  bool fused = false;  ///< Q, K and V in one matrix
  bool latent = false;
  uint32_t attention_every = 1;  ///< layers without attention between (hybrids)
  const char* odd = nullptr;     ///< one more matrix
};

std::vector<gguf::TensorInfo> TensorsOf(const Model& model) {
  std::vector<gguf::TensorInfo> tensors;
  const auto add = [&](const std::string& name, std::vector<uint64_t> dims) {
    gguf::TensorInfo tensor{name, TensorType::kF16, static_cast<uint32_t>(dims.size()), {1, 1, 1, 1}, 1, 0, 0, 0};
    for (size_t i = 0; i < dims.size(); ++i) tensor.dims[i] = dims[i];
    tensors.push_back(std::move(tensor));
  };
  const ModelDescription& d = model.description;
  const uint64_t q = uint64_t{d.n_head} * d.n_embd_head_k, kv = uint64_t{d.n_head_kv} * d.n_embd_head_k;
  if (!model.tied) add("output.weight", {d.n_embd, 1000});
  add("token_embd.weight", {d.n_embd, 1000});
  // Names of one layer in the order of the alphabet, layers in theirs: as the oracle reads a file.
  for (uint32_t l = 0; l < d.n_layer; ++l) {
    const std::string blk = "blk." + std::to_string(l) + ".";
    if (l % model.attention_every == 0) {
      if (!model.fused) add(blk + "attn_k.weight", {d.n_embd, kv});
      if (model.latent) add(blk + "attn_kv_b.weight", {d.n_embd, kv});
      add(blk + "attn_output.weight", {q, d.n_embd});
      if (!model.fused) add(blk + "attn_q.weight", {d.n_embd, q});
      if (model.fused) add(blk + "attn_qkv.weight", {d.n_embd, q + 2 * kv});
      if (!model.fused && !model.latent) add(blk + "attn_v.weight", {d.n_embd, kv});
    }
    if (d.n_expert > 0) {
      add(blk + "ffn_down_exps.weight", {d.n_ff, d.n_embd, d.n_expert});
      add(blk + "ffn_down_shexp.weight", {d.n_ff, d.n_embd});
      add(blk + "ffn_gate_exps.weight", {d.n_embd, d.n_ff, d.n_expert});
      add(blk + "ffn_gate_inp.weight", {d.n_embd, d.n_expert});
      add(blk + "ffn_up_exps.weight", {d.n_embd, d.n_ff, d.n_expert});
    } else {
      add(blk + "ffn_down.weight", {d.n_ff, d.n_embd});
      add(blk + "ffn_gate.weight", {d.n_embd, d.n_ff});
      add(blk + "ffn_up.weight", {d.n_embd, d.n_ff});
    }
    if (model.odd != nullptr) add(blk + model.odd, {d.n_embd, 64});
  }
  return tensors;
}

const Model kModels[] = {
    {"dense", {"llama", 2048, 8192, 22, 32, 32, 0, 64, 64}},
    {"grouped", {"llama", 4096, 14336, 32, 32, 8, 0, 128, 128}},
    {"tied and odd rows", {"llama", 576, 1536, 30, 9, 3, 0, 64, 64}, true},
    {"rows of no blocks", {"llama", 1000, 3000, 8, 10, 2, 0, 100, 100}},
    {"70B", {"llama", 1024, 2048, 80, 16, 2, 0, 64, 64}},
    {"eight experts", {"llama", 1024, 2048, 32, 16, 4, 8, 64, 64}},
    {"many experts", {"qwen3moe", 1024, 768, 24, 16, 4, 128, 128, 128}},
    {"fused", {"phi3", 1024, 2048, 32, 16, 16, 0, 64, 64}, false, true},
    {"falcon", {"falcon", 1024, 4096, 32, 16, 16, 0, 64, 64}, false, true},
    {"latent", {"deepseek2", 1024, 2048, 27, 16, 16, 64, 128, 128}, false, false, true},
    {"hybrid", {"qwen3next", 1024, 2048, 36, 16, 4, 0, 64, 64}, false, false, false, 4, "ssm_conv1d.weight"},
    {"kept", {"llama", 1024, 2048, 4, 16, 4, 0, 64, 64}, false, false, false, 1, "attn_rel_b.weight"},
};

/// Number of matrices that get another type.
size_t Differences(const Oracle& oracle, const Model& model, const Recipe& recipe) {
  const std::vector<gguf::TensorInfo> tensors = TensorsOf(model);
  const ModelDescription& d = model.description;
  ModelShape shape{.architecture = d.architecture,
                   .layers = d.n_layer,
                   .heads = d.n_head,
                   .kv_heads = d.n_head_kv,
                   .experts = d.n_expert};
  shape.Count(tensors);

  Oracle::QuantizeParams params = oracle.default_params();
  params.file_type = static_cast<int32_t>(recipe.file_type);
  void* const theirs = oracle.make_model(&d);
  void* const state = oracle.init(theirs, &params);
  void* const context = oracle.make_context({(tensors.size() + 1) * 1024, nullptr, true});
  std::vector<void*> asked;
  std::vector<size_t> indices;
  size_t off = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const int64_t dims[] = {int64_t(tensors[i].dims[0]), int64_t(tensors[i].dims[1]), int64_t(tensors[i].dims[2])};
    void* const tensor = oracle.make_tensor(context, 1, static_cast<int32_t>(tensors[i].n_dims), dims);
    oracle.name_tensor(tensor, tensors[i].name.c_str());
    const bool allowed = oracle.allows(state, tensor);
    if (allowed != (RoleOf(tensors[i]) != Role::kKept)) {
      std::printf("     %s, %s: kept by one of us\n", model.what, tensors[i].name.c_str());
      ++off;
    }
    if (!allowed) continue;
    asked.push_back(tensor);
    indices.push_back(i);
  }
  std::vector<int32_t> types(asked.size());
  oracle.compute(state, static_cast<int32_t>(recipe.file_type), asked.data(), types.data(), asked.size());
  for (size_t i = 0; i < asked.size(); ++i) {
    bool fell_back = false;
    const TensorType ours = TypeFor(recipe, shape, tensors[indices[i]], &fell_back);
    if (static_cast<int32_t>(ours) == types[i]) continue;
    const quant::TypeInfo* info = quant::FindType(static_cast<uint32_t>(types[i]));
    if (++off < 8) {
      std::printf("     %s, %s, %s: %s here, %s there\n", recipe.name, model.what, tensors[indices[i]].name.c_str(),
                  quant::InfoOf(ours).name, info == nullptr ? "?" : info->name);
    }
  }
  oracle.free_context(context);
  oracle.free(state);
  oracle.free_model(theirs);
  return off;
}

TEST(every_matrix_gets_the_oracles_type) {
  const Oracle* const oracle = FindOracle();
  if (oracle == nullptr) SKIP("libllama not found, or of another release (ZELL_ORACLE_DIR)");
  for (const Recipe& recipe : Recipes()) {
    if (std::string_view(recipe.name) == "MXFP4") continue;  // ours alone
    for (const Model& model : kModels) CHECK_EQ(Differences(*oracle, model, recipe), size_t{0});
  }
}

}  // namespace
}  // namespace zell::convert

#else
TEST(every_matrix_gets_the_oracles_type) { SKIP("the oracle's library is Linux's"); }
#endif

ZELL_TEST_MAIN
