// dlopen and a handful of symbols. ZELL_ORACLE_DIR names the folder of libllama; without it the one in node_modules.
#include "llama_oracle.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#ifndef _WIN32
#include <dlfcn.h>
#endif

namespace zell::test {
namespace {

/// llama_model_params of the release that the lockfile pins (node-llama-cpp 3.22.1, llama.cpp v0.5.0). Passed by value,
/// so the size matters; Api::Load checks some defaults to notice another layout.
struct ModelParams {
  void* devices;
  const void* tensor_buft_overrides;
  int32_t n_gpu_layers;
  int32_t split_mode, load_mode, lazy_mode;
  int32_t main_gpu;
  const float* tensor_split;
  void* progress_callback;
  void* progress_callback_user_data;
  const void* kv_overrides;
  bool vocab_only, check_tensors, use_extra_bufts, no_host, no_alloc, load_mtp;
};

void Silent(int, const char*, void*) {}

std::string FindLibrary() {
  const char* env = std::getenv("ZELL_ORACLE_DIR");
  const std::filesystem::path folder =
      env != nullptr && *env != 0
          ? std::filesystem::path(env)
          : std::filesystem::path(ZELL_SOURCE_ROOT) / "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64";
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.rfind("libllama.", 0) == 0 && name.find(".so") != std::string::npos) return entry.path().string();
  }
  return {};
}

}  // namespace

struct OracleVocabulary::Api {
  ModelParams (*model_default_params)();
  void* (*model_load_from_file)(const char*, ModelParams);
  void (*model_free)(void*);
  const void* (*model_get_vocab)(const void*);
  int32_t (*vocab_n_tokens)(const void*);
  bool (*vocab_is_eog)(const void*, int32_t);
  bool (*vocab_get_add_bos)(const void*);
  int32_t (*fim[6])(const void*);
  int32_t (*tokenize)(const void*, const char*, int32_t, int32_t*, int32_t, bool, bool);
  int32_t (*detokenize)(const void*, const int32_t*, int32_t, char*, int32_t, bool, bool);
  int32_t (*token_to_piece)(const void*, int32_t, char*, int32_t, int32_t, bool);
  std::string why_not;

  static const Api& Get() {
    static const Api api = Load();
    return api;
  }

 private:
#ifdef _WIN32
  static Api Load() {
    Api api{};
    api.why_not = "the oracle is loaded on Linux only";
    return api;
  }
#else
  static Api Load() {
    Api api{};
    const std::string path = FindLibrary();
    void* library = path.empty() ? nullptr : dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      api.why_not = "no libllama: set ZELL_ORACLE_DIR or install the npm packages";
      return api;
    }
    const auto bind = [&](const char* name, auto* function) {
      *reinterpret_cast<void**>(function) = dlsym(library, name);
      if (*function == nullptr) api.why_not = std::string("libllama has no ") + name;
    };
    void (*log_set)(void (*)(int, const char*, void*), void*) = nullptr;
    bind("llama_log_set", &log_set);
    bind("llama_model_default_params", &api.model_default_params);
    bind("llama_model_load_from_file", &api.model_load_from_file);
    bind("llama_model_free", &api.model_free);
    bind("llama_model_get_vocab", &api.model_get_vocab);
    bind("llama_vocab_n_tokens", &api.vocab_n_tokens);
    bind("llama_vocab_is_eog", &api.vocab_is_eog);
    bind("llama_vocab_get_add_bos", &api.vocab_get_add_bos);
    bind("llama_vocab_fim_pre", &api.fim[0]);
    bind("llama_vocab_fim_suf", &api.fim[1]);
    bind("llama_vocab_fim_mid", &api.fim[2]);
    bind("llama_vocab_fim_pad", &api.fim[3]);
    bind("llama_vocab_fim_rep", &api.fim[4]);
    bind("llama_vocab_fim_sep", &api.fim[5]);
    bind("llama_tokenize", &api.tokenize);
    bind("llama_detokenize", &api.detokenize);
    bind("llama_token_to_piece", &api.token_to_piece);
    if (!api.why_not.empty()) return api;
    log_set(Silent, nullptr);
    const ModelParams p = api.model_default_params();
    if (p.vocab_only || p.check_tensors || !p.use_extra_bufts || p.no_host || p.no_alloc || p.main_gpu != 0 ||
        p.tensor_split != nullptr || p.kv_overrides != nullptr) {
      api.why_not = "libllama is of another release than this test knows";
    }
    return api;
  }
#endif
};

OracleVocabulary::~OracleVocabulary() {
  if (model_ != nullptr) api_->model_free(model_);
}

std::unique_ptr<OracleVocabulary> OracleVocabulary::Load(const std::string& gguf, std::string* why_not) {
  const Api& api = Api::Get();
  *why_not = api.why_not;
  if (!api.why_not.empty()) return nullptr;
  ModelParams params = api.model_default_params();
  params.vocab_only = true;
  std::unique_ptr<OracleVocabulary> oracle(new OracleVocabulary());
  oracle->api_ = &api;
  oracle->model_ = api.model_load_from_file(gguf.c_str(), params);
  if (oracle->model_ == nullptr) {
    *why_not = "the oracle does not load " + gguf;
    return nullptr;
  }
  oracle->vocabulary_ = api.model_get_vocab(oracle->model_);
  return oracle;
}

std::vector<int32_t> OracleVocabulary::Encode(std::string_view text, bool parse_special, bool add_special) const {
  std::vector<int32_t> tokens(text.size() * 4 + 16);
  const int32_t n = api_->tokenize(vocabulary_, text.data(), static_cast<int32_t>(text.size()), tokens.data(),
                                   static_cast<int32_t>(tokens.size()), add_special, parse_special);
  tokens.resize(n < 0 ? 0 : static_cast<size_t>(n));
  return tokens;
}

std::string OracleVocabulary::Decode(std::span<const int32_t> tokens, bool remove_special, bool unparse_special) const {
  const auto n = static_cast<int32_t>(tokens.size());
  std::string text(tokens.size() * 8 + 64, 0);
  const auto decode = [&] {
    return api_->detokenize(vocabulary_, tokens.data(), n, text.data(), static_cast<int32_t>(text.size()),
                            remove_special, unparse_special);
  };
  int32_t length = decode();
  if (length < 0) {
    text.resize(static_cast<size_t>(-length) + 64);
    length = decode();
  }
  text.resize(static_cast<size_t>(std::max(length, 0)));
  return text;
}

std::string OracleVocabulary::Piece(int32_t token, bool special) const {
  std::string piece(64, 0);
  int32_t n = api_->token_to_piece(vocabulary_, token, piece.data(), static_cast<int32_t>(piece.size()), 0, special);
  if (n < 0) {
    piece.resize(static_cast<size_t>(-n));
    n = api_->token_to_piece(vocabulary_, token, piece.data(), static_cast<int32_t>(piece.size()), 0, special);
  }
  piece.resize(static_cast<size_t>(n));
  return piece;
}

int32_t OracleVocabulary::size() const { return api_->vocab_n_tokens(vocabulary_); }
bool OracleVocabulary::IsEndOfGeneration(int32_t token) const { return api_->vocab_is_eog(vocabulary_, token); }
bool OracleVocabulary::AddBos() const { return api_->vocab_get_add_bos(vocabulary_); }
std::vector<int32_t> OracleVocabulary::FillInTheMiddle() const {
  std::vector<int32_t> ids;
  for (const auto& find : api_->fim) ids.push_back(find(vocabulary_));
  return ids;
}

}  // namespace zell::test
