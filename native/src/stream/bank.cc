#include "stream/bank.h"

#include <algorithm>

#include "base/checked.h"
#include "base/direct_file.h"

namespace zell::stream {
namespace {

using backend::Op;
using backend::OpKind;
using backend::Weight;

base::Status Unsupported(const std::string& tensor, const std::string& why) {
  return {base::StatusCode::kUnsupportedModel, "the experts of " + tensor + " cannot be streamed: " + why};
}

struct Piece {
  gguf::File::Place place;
  uint64_t bytes = 0;
};

// The ranges that hold `pieces` of one file each, from `slot_offset` on, which moves behind them.
ExpertPart LayOut(const std::vector<Piece>& pieces, uint64_t* slot_offset) {
  ExpertPart part;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const gguf::File::Place place = pieces[i].place;
    const bool touches = i > 0 && place.shard == pieces[i - 1].place.shard &&
                         place.offset == pieces[i - 1].place.offset + pieces[i - 1].bytes;
    const uint64_t end =
        (place.offset + pieces[i].bytes + base::kDirectAlignment - 1) / base::kDirectAlignment * base::kDirectAlignment;
    if (!touches) {
      const uint64_t first = place.offset / base::kDirectAlignment * base::kDirectAlignment;
      part.ranges.push_back({place.shard, first, 0, *slot_offset});
    }
    Range& range = part.ranges.back();
    range.bytes = end - range.offset;
    part.bytes += pieces[i].bytes;
    part.matrices[i] = range.slot_offset + (place.offset - range.offset);
    *slot_offset = range.slot_offset + range.bytes;
  }
  return part;
}

base::Status AddStage(const backend::Plan& plan, const gguf::File& file, const Op& op, Bank& bank,
                      std::vector<uint64_t>& slot_offsets) {
  const auto weight_of = [&](size_t part) -> const Weight& {
    return plan.weights[static_cast<size_t>(op.parts[part].weight)];
  };
  if (op.parts.size() > backend::kExpertParts) return Unsupported(weight_of(0).name, "an op has too many matrices");
  for (uint32_t e = 0; e < bank.experts(); ++e) {
    std::vector<Piece> pieces;
    for (size_t p = 0; p < op.parts.size(); ++p) {
      const Weight& w = weight_of(p);
      const auto place = e < w.stack.size() ? file.Locate(w.stack[e]) : std::nullopt;
      const auto bytes = base::CheckedMul(w.rows, w.row_bytes);
      if (!place || !bytes || *bytes > file.total_bytes()) return Unsupported(w.name, "they are not in the file");
      pieces.push_back({*place, *bytes});
    }
    bank.parts[e].push_back(LayOut(pieces, &slot_offsets[e]));
  }
  return base::Status::Ok();
}

}  // namespace

base::Result<std::vector<Bank>> FindBanks(const backend::Plan& plan, const gguf::File& file) {
  std::vector<Bank> banks;
  std::vector<uint64_t> slot_offsets;
  for (const Op& op : plan.body) {
    if (op.kind == OpKind::kRoute) {
      const backend::RouteSpec& spec = plan.routes[static_cast<size_t>(op.route)];
      banks.push_back({spec.used, std::vector<std::vector<ExpertPart>>(spec.experts)});
      slot_offsets.assign(spec.experts, 0);
    }
    if (op.kind != OpKind::kExperts || op.route < 0) continue;
    ZELL_RETURN_IF_ERROR(AddStage(plan, file, op, banks.back(), slot_offsets));
  }
  return banks;
}

uint64_t SlotBytes(const std::vector<Bank>& banks) {
  uint64_t most = 0;
  for (const Bank& bank : banks) {
    for (const auto& stages : bank.parts) {
      for (const ExpertPart& part : stages) {
        for (const Range& range : part.ranges) most = std::max(most, range.slot_offset + range.bytes);
      }
    }
  }
  return most;
}

uint64_t ExpertBytes(const std::vector<Bank>& banks) {
  uint64_t bytes = 0;
  for (const Bank& bank : banks) {
    for (const auto& stages : bank.parts) {
      for (const ExpertPart& part : stages) bytes += part.bytes;
    }
  }
  return bytes;
}

uint64_t LeastSlots(const std::vector<Bank>& banks) {
  uint64_t most = 0;
  for (const Bank& bank : banks) most = std::max<uint64_t>(most, bank.used);
  return most;
}

uint64_t CountExperts(const std::vector<Bank>& banks) {
  uint64_t n = 0;
  for (const Bank& bank : banks) n += bank.experts();
  return n;
}

}  // namespace zell::stream
