#include "runtime/cache_keeper.h"

#include <algorithm>
#include <chrono>

namespace zell::runtime {
namespace {

constexpr auto kInterval = std::chrono::milliseconds(200);
// Share of the time in which some thread waited for memory that counts as a shortage when little is left as well.
constexpr double kStalledShare = 0.1;
// Memory must have been plentiful for so long before the cache grows again.
constexpr double kCalmSeconds = 3.0;
// Of the slots, in one step.
constexpr uint64_t kStepShare = 8;

std::string MiB(uint64_t bytes) { return std::to_string(bytes >> 20) + " MiB"; }

}  // namespace

std::string CachePolicy::FindShortage(const MemoryLook& look, double seconds) const {
  if (look.available_bytes < margin_bytes_ / 2)
    return "only " + MiB(look.available_bytes) + " of memory were available";
  if (!has_looked_) return "";
  // Hitting a limit or waiting is no shortage where there is plenty: dropping file pages does that as well.
  if (look.available_bytes >= margin_bytes_) return "";
  if (look.pressure.limit_events > before_.pressure.limit_events) return "a memory limit was reached";
  const uint64_t stalled = look.pressure.stalled_us - std::min(look.pressure.stalled_us, before_.pressure.stalled_us);
  if (seconds > 0 && static_cast<double>(stalled) / 1e6 > kStalledShare * seconds) return "programs waited for memory";
  return "";
}

uint64_t CachePolicy::Next(const stream::StoreSize& size, const MemoryLook& look, double seconds) {
  if (look.available_bytes == 0) return size.slots;
  const std::string shortage = FindShortage(look, seconds);
  before_ = look;
  has_looked_ = true;
  uint64_t slots = size.slots;
  const uint64_t slot_bytes = std::max<uint64_t>(1, size.slot_bytes);
  if (!shortage.empty()) {
    calm_seconds_ = 0;
    // Empty slots give nothing back.
    const uint64_t missing = margin_bytes_ / 2 - std::min(margin_bytes_ / 2, look.available_bytes);
    const uint64_t step = std::max((missing + slot_bytes - 1) / slot_bytes, size.occupied / kStepShare + 1);
    slots = std::max(size.least_slots, size.occupied - std::min(size.occupied, step));
    if (slots < size.most_slots) reason_ = shortage;
    return std::min(slots, size.slots);
  }
  // As if all slots were filled already.
  const uint64_t promised = (size.slots - std::min(size.slots, size.occupied)) * slot_bytes;
  const uint64_t left = look.available_bytes - std::min(look.available_bytes, promised);
  calm_seconds_ = left > margin_bytes_ ? calm_seconds_ + seconds : 0;
  if (size.slots < size.most_slots && calm_seconds_ >= kCalmSeconds) {
    const uint64_t room = (left - margin_bytes_ / 4 * 3) / slot_bytes;
    slots += std::min({room, size.most_slots / kStepShare + 1, size.most_slots - size.slots});
  }
  if (slots >= size.most_slots) reason_.clear();
  return slots;
}

CacheKeeper::CacheKeeper(Size size, Limit limit, uint64_t margin_bytes)
    : size_(std::move(size)), limit_(std::move(limit)), policy_(margin_bytes) {
  thread_ = std::thread([this] { Watch(); });
}

CacheKeeper::~CacheKeeper() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

std::string CacheKeeper::reason() const {
  const std::lock_guard lock(mutex_);
  return policy_.reason();
}

void CacheKeeper::Watch() {
  using Clock = std::chrono::steady_clock;
  Clock::time_point before = Clock::now();
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, kInterval, [this] { return closing_; })) {
    const Clock::time_point now = Clock::now();
    const stream::StoreSize size = size_();
    const MemoryLook look{base::GetMemoryInfo().available_bytes, base::GetMemoryPressure()};
    const uint64_t slots = policy_.Next(size, look, std::chrono::duration<double>(now - before).count());
    if (slots != size.slots) limit_(slots);
    before = now;
  }
}

}  // namespace zell::runtime
