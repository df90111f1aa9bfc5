#include "train/tape.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace zell::train {
namespace {

using backend::Op;
using backend::OpKind;

const char* NameOf(OpKind kind) {
  switch (kind) {
    case OpKind::kEmbed:
      return "an embedding inside a layer";
    case OpKind::kAddRow:
      return "learned positions";
    case OpKind::kTap:
      return "a tap";
    case OpKind::kRmsNorm:
      return "an RMS norm with a bias";
    case OpKind::kLayerNorm:
      return "a layer norm";
    case OpKind::kMatmul:
      return "a fused matrix product";
    case OpKind::kSoftCap:
      return "a soft cap";
    case OpKind::kAttention:
      return "attention with sinks or a soft cap";
    case OpKind::kGate:
      return "a gate with a limit or an offset";
    case OpKind::kRoute:
    case OpKind::kExperts:
    case OpKind::kExpertSum:
      return "a mixture of experts";
    case OpKind::kGateRow:
      return "a gated expert";
    case OpKind::kCopyHeads:
      return "latent attention";
    default:
      return "an operation out of place";
  }
}

base::Status Unsupported(const Op& op) {
  const std::string where = op.layer < 0 ? "the model" : "layer " + std::to_string(op.layer);
  return {base::StatusCode::kUnsupported, std::string("Zell cannot train this model: ") + where + " has " +
                                              NameOf(op.kind) + ", which has no backward pass."};
}

bool IsCheap(OpKind kind) {
  return kind == OpKind::kRmsNorm || kind == OpKind::kGate || kind == OpKind::kActivate || kind == OpKind::kRope ||
         kind == OpKind::kScale;
}

bool HasBackward(const Op& op) {
  switch (op.kind) {
    case OpKind::kRmsNorm:
      return op.bias < 0;
    case OpKind::kMatmul:
      return op.epilogue == backend::Epilogue::kStore;
    case OpKind::kAttention:
      return op.sinks < 0 && op.soft_cap == 0;
    case OpKind::kGate:
      return op.gate_limit == 0 && op.in2_first == 0;
    case OpKind::kAdd:
    case OpKind::kScale:
    case OpKind::kRope:
    case OpKind::kKvWrite:
    case OpKind::kActivate:
      return true;
    default:
      return false;
  }
}

class Recorder {
 public:
  Recorder(const backend::Plan& plan, const std::vector<uint32_t>& ranks, bool whole)
      : plan_(plan), ranks_(ranks), whole_(whole) {}

  base::Result<Tape> Record() {
    if (plan_.encoder || plan_.logits < 0) {
      return base::Status{base::StatusCode::kUnsupported, "Zell cannot train encoders: they predict no tokens."};
    }
    tape_.layers.resize(plan_.layers);
    for (const Op& op : plan_.body) {
      if (op.kind == OpKind::kTap) continue;
      if (op.layer < 0) {
        const bool known = op.kind == OpKind::kEmbed || op.kind == OpKind::kScale;
        if (!known || layer_ >= 0 || op.out != plan_.body_out) return Unsupported(op);
        tape_.prologue.push_back(&op);
        continue;
      }
      if (op.layer != layer_) Enter(op.layer);
      if (!HasBackward(op)) return Unsupported(op);
      ZELL_RETURN_IF_ERROR(Add(op));
    }
    Leave();
    for (const Op& op : plan_.head) ZELL_RETURN_IF_ERROR(AddHead(op));
    if (tape_.output == nullptr) return base::Status{base::StatusCode::kInternal, "a plan without an output matrix"};
    return std::move(tape_);
  }

 private:
  LayerTape& Layer() { return tape_.layers[static_cast<size_t>(layer_)]; }

  void Enter(int layer) {
    if (layer_ >= 0) Leave();
    layer_ = layer;
    Layer().learns = whole_;
    current_.assign(plan_.values.size(), -1);
    written_.clear();
    Layer().input = New(plan_.body_out);
  }

  void Leave() {
    if (layer_ < 0) return;
    LayerTape& layer = Layer();
    layer.output = current_[static_cast<size_t>(plan_.body_out)];
    // Backwards, so that what a recomputed value is made of is found needed before its own operation is met.
    for (size_t i = layer.ops.size(); i-- > 0;) {
      const TapeOp& t = layer.ops[i];
      const auto need = [&](int value) {
        if (value >= 0) layer.values[static_cast<size_t>(value)].needed = true;
      };
      for (const int out : t.outs) {
        TapeValue& value = layer.values[static_cast<size_t>(out)];
        if (!value.needed || !IsCheap(t.op->kind)) continue;
        value.recomputed = true;
        need(t.in);
        need(t.in2);
        need(t.before);
      }
      switch (t.op->kind) {
        case OpKind::kMatmul:
          if (whole_) need(t.in);
          for (const int u : t.low_rank) {
            need(u);
            if (u >= 0) need(t.in);
          }
          break;
        case OpKind::kRmsNorm:
        case OpKind::kGate:
        case OpKind::kActivate:
        case OpKind::kAttention:
          need(t.in);
          need(t.in2);
          need(t.in3);
          break;
        default:
          break;
      }
    }
  }

  int New(backend::ValueId id) {
    Layer().values.push_back({plan_.values[static_cast<size_t>(id)].width});
    return current_[static_cast<size_t>(id)] = static_cast<int>(Layer().values.size()) - 1;
  }

  base::Status Add(const Op& op) {
    TapeOp t;
    t.op = &op;
    bool missing = false;
    const auto read = [&](backend::ValueId id) {
      if (id < 0) return -1;
      missing = missing || current_[static_cast<size_t>(id)] < 0;
      return current_[static_cast<size_t>(id)];
    };
    t.in = read(op.in);
    t.in2 = read(op.in2);
    switch (op.kind) {
      case OpKind::kKvWrite:
        written_[{op.kv_group, op.kv_layer}] = {t.in, t.in2};
        return missing ? Unsupported(op) : base::Status::Ok();
      case OpKind::kAttention: {
        const auto found = written_.find({op.kv_group, op.kv_layer});
        if (found == written_.end()) return Unsupported(op);  // keys of another layer
        std::tie(t.in2, t.in3) = found->second;
        t.outs = {New(op.out)};
        break;
      }
      case OpKind::kMatmul:
        for (const backend::MatmulPart& part : op.parts) {
          if (!plan_.weights[static_cast<size_t>(part.weight)].stack.empty()) return Unsupported(op);
          t.outs.push_back(New(part.out));
          const uint32_t rank = ranks_[static_cast<size_t>(part.weight)];
          t.low_rank.push_back(-1);
          if (rank == 0) continue;
          Layer().values.push_back({rank});
          t.low_rank.back() = static_cast<int>(Layer().values.size()) - 1;
          Layer().learns = true;
        }
        break;
      case OpKind::kAdd:
      case OpKind::kScale:
      case OpKind::kRope:
        t.before = read(op.out);
        t.outs = {New(op.out)};
        break;
      default:
        t.outs = {New(op.out)};
        break;
    }
    if (missing) return Unsupported(op);
    Layer().ops.push_back(std::move(t));
    return base::Status::Ok();
  }

  base::Status AddHead(const Op& op) {
    if (op.kind == OpKind::kRmsNorm && op.bias < 0 && tape_.norm == nullptr && tape_.output == nullptr) {
      tape_.norm = &op;
    } else if (op.kind == OpKind::kMatmul && op.parts.size() == 1 && tape_.output == nullptr &&
               op.epilogue == backend::Epilogue::kStore && ranks_[static_cast<size_t>(op.parts[0].weight)] == 0) {
      tape_.output = &op;
    } else if (op.kind == OpKind::kScale && tape_.output != nullptr) {
      tape_.logit_scale *= op.scale;
    } else {
      return Unsupported(op);
    }
    return base::Status::Ok();
  }

  const backend::Plan& plan_;
  const std::vector<uint32_t>& ranks_;
  const bool whole_;
  Tape tape_;
  int layer_ = -1;
  std::vector<int> current_;                                         ///< [plan's value] which of the layer's it is now
  std::map<std::pair<int, uint32_t>, std::pair<int, int>> written_;  ///< keys and values of this layer
};

}  // namespace

base::Result<Tape> RecordTape(const backend::Plan& plan, const std::vector<uint32_t>& ranks, bool whole) {
  return Recorder(plan, ranks, whole).Record();
}

}  // namespace zell::train
