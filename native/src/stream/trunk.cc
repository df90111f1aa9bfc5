#include "stream/trunk.h"

#include <algorithm>
#include <set>
#include <vector>

#include "base/direct_file.h"

namespace zell::stream {
namespace {

// Bytes between two reports of progress and two looks at the stop flag.
constexpr uint64_t kReadBytes = 16 * 1024 * 1024;

// Part of a file that one or more neighbouring tensors lie in, and where it goes.
struct Stretch {
  uint32_t shard = 0;
  uint64_t begin = 0, end = 0;  ///< multiples of base::kDirectAlignment
  uint64_t place = 0;
};

std::vector<Stretch> FindStretches(const gguf::File& file, const std::vector<const uint8_t*>& elsewhere) {
  std::vector<Stretch> all;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    const uint8_t* data = file.data(tensor).data();
    const auto first = std::lower_bound(elsewhere.begin(), elsewhere.end(), data);
    if (first != elsewhere.end() && *first < data + tensor.bytes) continue;
    const uint64_t a = base::kDirectAlignment;
    all.push_back({tensor.shard, tensor.file_offset / a * a, (tensor.file_offset + tensor.bytes + a - 1) / a * a});
  }
  std::sort(all.begin(), all.end(), [](const Stretch& x, const Stretch& y) {
    return std::pair(x.shard, x.begin) < std::pair(y.shard, y.begin);
  });
  std::vector<Stretch> joined;
  for (const Stretch& next : all) {
    if (!joined.empty() && joined.back().shard == next.shard && next.begin <= joined.back().end) {
      joined.back().end = std::max(joined.back().end, next.end);
    } else {
      joined.push_back(next);
    }
  }
  uint64_t place = 0;
  for (Stretch& s : joined) {
    s.place = place;
    place += s.end - s.begin;
  }
  return joined;
}

}  // namespace

std::set<backend::WeightId> RoutedWeights(const backend::Plan& plan) {
  std::set<backend::WeightId> routed;
  for (const backend::Op& op : plan.body) {
    if (op.kind != backend::OpKind::kExperts || op.route < 0) continue;
    for (const backend::MatmulPart& part : op.parts) routed.insert(part.weight);
  }
  return routed;
}

base::Result<DirectBuffer> ReadTrunk(backend::Plan& plan, const gguf::File& file, PieceReader& reader,
                                     const std::set<backend::WeightId>& elsewhere,
                                     const std::function<void(uint64_t, uint64_t)>& progress,
                                     const std::atomic<bool>& stop) {
  std::vector<const uint8_t*> addresses;
  for (const backend::WeightId id : elsewhere) {
    const backend::Weight& weight = plan.weights[static_cast<size_t>(id)];
    addresses.insert(addresses.end(), weight.stack.begin(), weight.stack.end());
    if (weight.stack.empty()) addresses.push_back(weight.data);
  }
  std::sort(addresses.begin(), addresses.end());
  const std::vector<Stretch> stretches = FindStretches(file, addresses);
  const uint64_t total = stretches.empty() ? 0 : stretches.back().place + stretches.back().end - stretches.back().begin;
  DirectBuffer trunk;
  if (!trunk.Allocate(total)) {
    return base::Status{base::StatusCode::kOutOfMemory,
                        "no memory for " + std::to_string(total >> 20) + " MiB of weights that are always needed"};
  }
  uint8_t* const first = trunk.data();
  for (const Stretch& s : stretches) {
    for (uint64_t at = s.begin; at < s.end; at += kReadBytes) {
      if (stop.load(std::memory_order_relaxed))
        return base::Status{base::StatusCode::kCancelled, "loading was cancelled"};
      const uint64_t bytes = std::min(kReadBytes, s.end - at);
      const uint64_t place = s.place + (at - s.begin);
      ZELL_RETURN_IF_ERROR(reader.Read(s.shard, at, {first + place, static_cast<size_t>(bytes)}));
      if (progress) progress(place + bytes, total);
    }
  }
  // Addresses outside the file are vectors that the plan has converted.
  const auto move = [&](const uint8_t*& address) {
    const auto at = file.Locate(address);
    if (!at) return;
    for (const Stretch& s : stretches) {
      if (s.shard == at->shard && at->offset >= s.begin && at->offset < s.end) {
        address = first + s.place + (at->offset - s.begin);
        return;
      }
    }
  };
  for (size_t id = 0; id < plan.weights.size(); ++id) {
    if (elsewhere.contains(static_cast<backend::WeightId>(id))) continue;
    move(plan.weights[id].data);
    for (const uint8_t*& address : plan.weights[id].stack) move(address);
  }
  return trunk;
}

}  // namespace zell::stream
