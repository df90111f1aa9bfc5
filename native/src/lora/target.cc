#include "lora/target.h"

#include <functional>
#include <optional>
#include <string>

namespace zell::lora {
namespace {

// Where a weight's rows begin in the tensor; nullopt when they are not its rows.
std::optional<uint64_t> FirstRow(const backend::Weight& w, const gguf::TensorInfo& tensor,
                                 std::span<const uint8_t> data) {
  if (w.cols != tensor.dims[0] || w.rows > tensor.dims[1]) return std::nullopt;
  const std::less_equal<const uint8_t*> at_most;
  if (w.type == tensor.type && at_most(data.data(), w.data) && !at_most(data.data() + data.size(), w.data)) {
    const size_t offset = static_cast<size_t>(w.data - data.data());
    if (offset % w.row_bytes != 0 || offset / w.row_bytes + w.rows > tensor.dims[1]) return std::nullopt;
    return offset / w.row_bytes;
  }
  // Held elsewhere in another form.
  if (w.name == tensor.name && w.rows == tensor.dims[1]) return 0;
  return std::nullopt;
}

}  // namespace

base::Result<std::vector<Target>> FindTargets(const backend::Plan& plan, const gguf::TensorInfo& tensor,
                                              std::span<const uint8_t> data) {
  std::vector<Target> products, embeddings;
  const auto add = [&](std::vector<Target>& list, backend::WeightId id, bool embedding) {
    const std::optional<uint64_t> first_row = FirstRow(plan.weights[static_cast<size_t>(id)], tensor, data);
    if (!first_row) return;
    for (const Target& known : list) {
      if (known.weight == id) return;
    }
    list.push_back({id, *first_row, embedding});
  };
  for (const std::vector<backend::Op>* ops : {&plan.body, &plan.head}) {
    for (const backend::Op& op : *ops) {
      if (op.kind == backend::OpKind::kEmbed) add(embeddings, op.weight, true);
      if (op.kind != backend::OpKind::kMatmul) continue;
      for (const backend::MatmulPart& part : op.parts) add(products, part.weight, false);
    }
  }
  const bool one_matrix = tensor.dims[2] == 1 && tensor.dims[3] == 1;
  if (one_matrix && !embeddings.empty()) return embeddings;
  if (one_matrix && !products.empty()) return products;
  return base::Status{base::StatusCode::kUnsupported,
                      "the adapter changes " + tensor.name + ", which adapters cannot change in Zell"};
}

}  // namespace zell::lora
