#include "lora/target.h"

#include <string>

namespace zell::lora {

base::Result<std::vector<Target>> FindTargets(const backend::Plan& plan, const gguf::TensorInfo& tensor) {
  std::vector<Target> products, embeddings;
  const auto add = [&](std::vector<Target>& list, backend::WeightId id, bool embedding) {
    const backend::Weight& w = plan.weights[static_cast<size_t>(id)];
    if (w.name != tensor.name || w.cols != tensor.dims[0] || w.first_row + w.rows > tensor.dims[1]) return;
    for (const Target& known : list) {
      if (known.weight == id) return;
    }
    list.push_back({id, w.first_row, embedding});
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
