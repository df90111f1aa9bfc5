#include "stream/bank.h"

#include <algorithm>

#include "base/checked.h"

namespace zell::stream {
namespace {

using backend::Op;
using backend::OpKind;
using backend::Weight;

base::Status Unsupported(const std::string& tensor, const std::string& why) {
  return {base::StatusCode::kUnsupportedModel, "the experts of " + tensor + " cannot be streamed: " + why};
}

base::Status AddStage(const backend::Plan& plan, const gguf::File& file, const Op& op, Bank& bank,
                      std::vector<uint64_t>& slot_offsets) {
  const auto weight_of = [&](size_t part) -> const Weight& {
    return plan.weights[static_cast<size_t>(op.parts[part].weight)];
  };
  if (op.parts.size() > backend::kExpertParts) return Unsupported(weight_of(0).name, "an op has too many matrices");
  for (uint32_t e = 0; e < bank.experts(); ++e) {
    std::vector<Extent> extents;
    ExpertPart part;
    for (size_t p = 0; p < op.parts.size(); ++p) {
      const Weight& w = weight_of(p);
      const auto place = e < w.stack.size() ? file.Locate(w.stack[e]) : std::nullopt;
      const auto bytes = base::CheckedMul(w.rows, w.row_bytes);
      if (!place || !bytes || *bytes > file.total_bytes()) return Unsupported(w.name, "they are not in the file");
      extents.push_back({*place, *bytes});
      part.bytes += *bytes;
    }
    const std::vector<uint64_t> begins = LayOut(extents, part.ranges, &slot_offsets[e]);
    std::copy(begins.begin(), begins.end(), part.matrices.begin());
    bank.parts[e].push_back(std::move(part));
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
