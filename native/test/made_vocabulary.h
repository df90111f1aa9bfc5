// Files with nothing but a made-up vocabulary, which the oracle loads, too.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/os.h"
#include "gguf/writer.h"

namespace zell::test {

/// BOS is the last token but one, EOS the last one. `scores` and `merges` may be empty. `change` may add keys. The path
/// of the file, which the caller removes; empty when it cannot be written.
inline std::string WriteVocabulary(const std::vector<std::string>& tokens, const std::vector<int32_t>& kinds,
                                   const std::vector<std::string>& merges, const std::vector<float>& scores,
                                   const std::string& model, const std::string& pre,
                                   const std::function<void(gguf::HeaderBuilder*)>& change = {}) {
  gguf::HeaderBuilder header;
  header.Set("general.architecture", std::string("llama"));
  for (const char* key : {"context_length", "embedding_length", "block_count", "feed_forward_length",
                          "attention.head_count", "rope.dimension_count"}) {
    header.Set(std::string("llama.") + key, uint32_t{8});
  }
  header.Set("llama.attention.layer_norm_rms_epsilon", 1e-5F);
  header.Set("tokenizer.ggml.model", model);
  header.Set("tokenizer.ggml.pre", pre);
  header.Set("tokenizer.ggml.tokens", tokens);
  header.Set("tokenizer.ggml.token_type", kinds);
  if (!merges.empty()) header.Set("tokenizer.ggml.merges", merges);
  if (!scores.empty()) header.Set("tokenizer.ggml.scores", scores);
  header.Set("tokenizer.ggml.bos_token_id", static_cast<uint32_t>(tokens.size() - 2));
  header.Set("tokenizer.ggml.eos_token_id", static_cast<uint32_t>(tokens.size() - 1));
  if (change) change(&header);
  static int count = 0;
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() /
      ("zell-vocabulary-" + std::to_string(base::ProcessId()) + "-" + std::to_string(count++) + ".gguf");
  auto writer = gguf::FileWriter::Create(path.string(), header);
  if (!writer.ok() || !writer->Commit().ok()) return {};
  return path.string();
}

}  // namespace zell::test
