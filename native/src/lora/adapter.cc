#include "lora/adapter.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "base/hash_file.h"
#include "kernels/kernels.h"
#include "lora/narrow_matrix.h"
#include "lora/target.h"

namespace zell::lora {
namespace {

using base::Status;
using base::StatusCode;
using kernels::LowRankType;

Status Bad(std::string message) { return {StatusCode::kBadModelFile, std::move(message)}; }

/// The halves of one matrix's addition.
struct Pair {
  std::string name;  ///< the model's tensor
  const gguf::TensorInfo* a = nullptr;
  const gguf::TensorInfo* b = nullptr;
};

/// What a pair becomes.
struct Addition {
  NarrowMatrix a, b;
  backend::LowRank low;
  bool embedding = false;
  std::vector<Target> targets;
};

std::string Shape(const gguf::TensorInfo& t) {
  std::string text = std::to_string(t.dims[0]);
  for (uint32_t i = 1; i < t.n_dims; ++i) text += " x " + std::to_string(t.dims[i]);
  return text;
}

}  // namespace

class AdapterReader {
 public:
  AdapterReader(std::shared_ptr<const gguf::File> file, const gguf::File& base, const backend::Plan& plan)
      : file_(std::move(file)), base_(base), plan_(plan), adapter_(std::make_shared<Adapter>()) {}

  base::Result<std::shared_ptr<const Adapter>> Read(const std::string& path, uint32_t id) {
    adapter_->info_.id = adapter_->backend_.id = id;
    adapter_->info_.path = path;
    adapter_->backend_.products.resize(plan_.weights.size());
    adapter_->backend_.embeddings.resize(plan_.weights.size());
    ZELL_RETURN_IF_ERROR(ReadMetadata());
    std::vector<Pair> pairs;
    ZELL_RETURN_IF_ERROR(FindPairs(pairs));
    for (const Pair& pair : pairs) ZELL_RETURN_IF_ERROR(ReadPair(pair));
    ZELL_RETURN_IF_ERROR(Fill());
    base::Result<std::string> hash = base::HashFile(path);
    if (!hash.ok()) return hash.status();
    adapter_->info_.sha256 = std::move(*hash);
    return std::shared_ptr<const Adapter>(std::move(adapter_));
  }

 private:
  std::string Text(std::string_view key) const { return std::string(file_->Str(key).value_or("")); }

  Status Expect(const char* key, const std::string& wanted) const {
    if (file_->Str(key) == wanted) return Status::Ok();
    std::string message = std::string(key) + " is ";
    if (file_->Find(key) == nullptr) {
      message += "absent";
    } else {
      message.append("`").append(Text(key)).append("`");
    }
    return Bad(message + ", expected `" + wanted + "`");
  }

  Status ReadMetadata() {
    AdapterInfo& info = adapter_->info_;
    ZELL_RETURN_IF_ERROR(Expect("general.type", "adapter"));
    ZELL_RETURN_IF_ERROR(Expect("adapter.type", "lora"));
    info.architecture = std::string(base_.Str("general.architecture").value_or(""));
    ZELL_RETURN_IF_ERROR(Expect("general.architecture", info.architecture));
    if (file_->Find("adapter.lora.alpha") != nullptr) {
      const std::optional<double> alpha = file_->F64("adapter.lora.alpha");
      if (!alpha || !std::isfinite(*alpha) || std::fabs(*alpha) > 1e6) {
        return Bad("adapter.lora.alpha is not a number that makes sense");
      }
      info.alpha = static_cast<float>(*alpha);
    }
    if (file_->Find("adapter.alora.invocation_tokens") != nullptr) {
      return {StatusCode::kUnsupported,
              "the adapter is an activated LoRA (adapter.alora.invocation_tokens), which Zell does not run"};
    }
    info.base_hash = Text("zell.base.model_hash");
    if (!info.base_hash.empty()) {
      const base::Result<std::string> hash = base_.ModelHash();
      if (!hash.ok()) return hash.status();
      if (*hash != info.base_hash) {
        return Bad("the adapter was made for the model " + info.base_hash.substr(0, 16) + ", this one is " + *hash);
      }
    }
    info.name = Text("general.name");
    if (info.name.empty()) info.name = std::filesystem::path(info.path).stem().string();
    info.task_name = Text("adapter.lora.task_name");
    info.prompt_prefix = Text("adapter.lora.prompt_prefix");
    return Status::Ok();
  }

  Status FindPairs(std::vector<Pair>& pairs) const {
    for (const gguf::TensorInfo& tensor : file_->tensors()) {
      const bool a = tensor.name.ends_with(".lora_a"), b = tensor.name.ends_with(".lora_b");
      // Some converters copy norms along, unchanged; nobody applies them.
      if (!a && !b && tensor.name.ends_with("_norm.weight")) continue;
      if (!a && !b) return Bad("tensor " + tensor.name + " of the adapter is neither .lora_a nor .lora_b");
      const std::string name = tensor.name.substr(0, tensor.name.size() - 7);
      auto pair = std::find_if(pairs.begin(), pairs.end(), [&](const Pair& p) { return p.name == name; });
      if (pair == pairs.end()) pair = pairs.insert(pairs.end(), Pair{.name = name});
      (a ? pair->a : pair->b) = &tensor;
    }
    if (pairs.empty()) return Bad("the adapter holds no tensors");
    for (const Pair& pair : pairs) {
      if (pair.a == nullptr) return Bad("tensor " + pair.name + ".lora_a of the adapter is missing");
      if (pair.b == nullptr) return Bad("tensor " + pair.name + ".lora_b of the adapter is missing");
    }
    return Status::Ok();
  }

  Status ReadPair(const Pair& pair) {
    const gguf::TensorInfo* weight = base_.FindTensor(pair.name);
    if (weight == nullptr) return Bad("the adapter changes " + pair.name + ", which this model does not have");
    base::Result<std::vector<Target>> targets = FindTargets(plan_, *weight);
    if (!targets.ok()) return targets.status();
    const bool embedding = (*targets)[0].embedding;
    // Of an embedding A holds one row for each token, B is the usual one for its width.
    const uint64_t in = embedding ? weight->dims[1] : weight->dims[0];
    const uint64_t out = embedding ? weight->dims[0] : weight->dims[1];
    const uint64_t rank = pair.b->dims[0];
    const uint64_t a_rank = embedding ? pair.a->dims[0] : pair.a->dims[1];
    const uint64_t a_in = embedding ? pair.a->dims[1] : pair.a->dims[0];
    if (a_in != in || pair.b->dims[1] != out || a_rank != rank || pair.a->n_dims > 2 || pair.b->n_dims > 2) {
      return Bad("tensors " + pair.name + ".lora_a (" + Shape(*pair.a) + ") and .lora_b (" + Shape(*pair.b) +
                 ") of the adapter do not fit a matrix of " + Shape(*weight));
    }
    if (rank > kMaxRank) {
      return Bad("tensor " + pair.name + ".lora_b has rank " + std::to_string(rank) + ", more than " +
                 std::to_string(kMaxRank));
    }
    const LowRankType type = TypeFor(*weight, pair, embedding);
    base::Result<NarrowMatrix> a =
        NarrowMatrix::Open(*pair.a, file_->data(*pair.a), embedding ? LowRankType::kF32 : type);
    if (!a.ok()) return a.status();
    base::Result<NarrowMatrix> b = NarrowMatrix::Open(*pair.b, file_->data(*pair.b), type);
    if (!b.ok()) return b.status();
    AdapterInfo& info = adapter_->info_;
    backend::LowRank low;
    low.rank = static_cast<uint32_t>(rank);
    const double scale = info.alpha == 0.0f ? 1.0 : static_cast<double>(info.alpha) / static_cast<double>(rank);
    low.factor = static_cast<float>(std::ldexp(scale, -(a->exponent() + b->exponent())));
    if (!std::isfinite(low.factor)) {
      return Bad("tensors " + pair.name + ".lora_a and .lora_b of the adapter hold numbers that are too large");
    }
    low.type = type;
    low.a_row_bytes = a->RowBytes();
    additions_.push_back({*a, *b, low, embedding, std::move(*targets)});
    info.rank = std::max(info.rank, low.rank);
    info.matrices += 1;
    return Status::Ok();
  }

  /// As exact as the weights beside it: their own rounding hides that of 8 bits, which are read in half the time.
  static LowRankType TypeFor(const gguf::TensorInfo& weight, const Pair& pair, bool embedding) {
    const auto all = [&](quant::TensorType type) { return pair.a->type == type && pair.b->type == type; };
    if (weight.type == quant::TensorType::kF32 && !all(quant::TensorType::kF16)) return LowRankType::kF32;
    const bool floats = kernels::FormatFor(weight.type) == kernels::ActivationFormat::kF32;
    return floats || embedding || weight.dims[0] % quant::kSmallBlock != 0 ? LowRankType::kF16 : LowRankType::kInt8;
  }

  size_t TargetRows(const Addition& added, const Target& target) const {
    return added.embedding ? static_cast<size_t>(added.b.rows())
                           : static_cast<size_t>(plan_.weights[static_cast<size_t>(target.weight)].rows);
  }

  /// Everything in one piece of memory in the order of the file, which large pages serve best.
  Status Fill() {
    const auto padded = [](size_t bytes) {
      return (bytes + base::kBufferAlignment - 1) / base::kBufferAlignment * base::kBufferAlignment;
    };
    size_t bytes = 0;
    for (const Addition& added : additions_) {
      bytes += padded(added.a.rows() * added.a.RowBytes());
      for (const Target& target : added.targets) bytes += padded(added.b.PanelBytes(TargetRows(added, target)));
    }
    adapter_->bytes_ = base::AlignedBuffer<uint8_t>::Unzeroed(bytes);
    if (!adapter_->bytes_.ok()) return {StatusCode::kOutOfMemory, "no memory for the adapter"};
    adapter_->info_.bytes = bytes;
    uint8_t* at = adapter_->bytes_.data();
    for (const Addition& added : additions_) {
      backend::LowRank low = added.low;
      low.a = at;
      added.a.WriteRows(at);
      at += padded(added.a.rows() * added.a.RowBytes());
      for (const Target& target : added.targets) {
        const size_t rows = TargetRows(added, target);
        low.b = at;
        added.b.WritePanels(added.embedding ? 0 : static_cast<size_t>(target.first_row), rows, at);
        at += padded(added.b.PanelBytes(rows));
        auto& list = added.embedding ? adapter_->backend_.embeddings : adapter_->backend_.products;
        list[static_cast<size_t>(target.weight)] = low;
      }
    }
    return Status::Ok();
  }

  std::shared_ptr<const gguf::File> file_;
  std::vector<Addition> additions_;
  const gguf::File& base_;
  const backend::Plan& plan_;
  std::shared_ptr<Adapter> adapter_;
};

base::Result<std::shared_ptr<const Adapter>> Adapter::Load(const std::string& path, const gguf::File& base,
                                                           const backend::Plan& plan, uint32_t id) {
  base::Result<std::shared_ptr<const gguf::File>> file = gguf::File::Open(path);
  if (!file.ok()) return file.status();
  return AdapterReader(std::move(*file), base, plan).Read(path, id);
}

}  // namespace zell::lora
