// Gives memory of experts or layers back while the machine is short of it, and takes it again later.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "base/memory_info.h"
#include "stream/store_size.h"

namespace zell::runtime {

/// What one look at the machine tells.
struct MemoryLook {
  uint64_t available_bytes = 0;  ///< 0: the system does not say, and nothing is done
  base::MemoryPressure pressure;
};

/// Decides how many experts or layers' matrices may be in memory. Not thread-safe.
class CachePolicy {
 public:
  /// `margin_bytes`: what the plan leaves to everything else; below half of it the cache gives way.
  explicit CachePolicy(uint64_t margin_bytes) : margin_bytes_(margin_bytes) {}

  /// Slots from now on, `seconds` after the look before: an eighth less, or as many as bring half of the margin back,
  /// while memory is short; when it has been plentiful for a while, up to an eighth more.
  uint64_t Next(const stream::StoreSize& size, const MemoryLook& look, double seconds);
  /// Why there are fewer slots than planned; empty when there are not.
  const std::string& reason() const { return reason_; }

 private:
  /// What tells that memory is short; empty: nothing does.
  std::string FindShortage(const MemoryLook& look, double seconds) const;

  const uint64_t margin_bytes_;
  bool has_looked_ = false;
  MemoryLook before_;
  double calm_seconds_ = 0;
  std::string reason_;
};

/// Looks several times a second on a thread of its own, as long as it lives.
class CacheKeeper {
 public:
  using Size = std::function<stream::StoreSize()>;
  using Limit = std::function<void(uint64_t slots)>;
  /// Both are called on its thread, as long as it lives.
  CacheKeeper(Size size, Limit limit, uint64_t margin_bytes);
  ~CacheKeeper();
  CacheKeeper(const CacheKeeper&) = delete;
  CacheKeeper& operator=(const CacheKeeper&) = delete;

  /// As CachePolicy::reason. Any thread.
  std::string reason() const;

 private:
  void Watch();

  const Size size_;
  const Limit limit_;
  mutable std::mutex mutex_;  ///< guards all below but the thread
  std::condition_variable wake_;
  CachePolicy policy_;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace zell::runtime
