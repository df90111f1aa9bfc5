#include "runtime/token_work.h"

#include <string>
#include <string_view>

namespace zell::runtime {
namespace {

/// One row for each token; the token embedding is also the output matrix where a file has no other.
bool IsTable(const gguf::File& file, std::string_view name) {
  if (name == "token_embd.weight") return file.FindTensor("output.weight") != nullptr;
  return name == "position_embd.weight" || name == "token_types.weight" || name == "per_layer_token_embd.weight";
}

}  // namespace

bool IsMatrix(const gguf::File& file, const gguf::TensorInfo& tensor) {
  return tensor.n_dims >= 2 && !IsTable(file, tensor.name);
}

TokenWork WorkOfToken(const gguf::File& file) {
  const std::string arch(file.Str("general.architecture").value_or(""));
  const uint64_t experts = file.U64(arch + ".expert_count").value_or(0);
  const uint64_t used = file.U64(arch + ".expert_used_count").value_or(0);
  TokenWork work;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (!IsMatrix(file, tensor)) continue;
    const bool routed = tensor.n_dims == 3 && experts > 0 && used <= experts && tensor.dims[2] == experts;
    work.bytes += routed ? tensor.bytes / experts * used : tensor.bytes;
    work.weights += routed ? tensor.n_weights / experts * used : tensor.n_weights;
  }
  return work;
}

}  // namespace zell::runtime
