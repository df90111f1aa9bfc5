// Whether reading for guesses pays on this disk: decided by what steps take with it and without.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace zell::stream {

/// A disk that is idle while a layer is computed gives guessed reads away; one that only allows so many bytes a second
/// on average makes every wrong guess dear. So blocks of steps are run with and without in turn, then in the way that
/// took less time for each expert that had to be read, and now and then one in the other. Not thread-safe.
class EarlyGate {
 public:
  /// Whether the step that begins may read for guesses.
  bool open() const { return open_; }
  /// A step of one token took that long, and used so many experts that were not in memory before.
  void Add(double seconds, uint64_t misses) {
    seconds_ += seconds, misses_ += misses;
    if (++steps_ < kBlock) return;
    Judge(seconds_ / static_cast<double>(std::max<uint64_t>(1, misses_)));
    seconds_ = 0, misses_ = 0, steps_ = 0;
  }

 private:
  static constexpr uint32_t kBlock = 8;
  static constexpr uint32_t kTrials = 3;  ///< blocks of each kind before anything is decided
  static constexpr uint32_t kRetry = 12;  ///< of so many blocks one is run in the other way
  static constexpr double kNews = 0.4;    ///< weight of a block beside those before it
  static constexpr double kGain = 0.96;   ///< less than this share of the time makes it worth the disk's work

  void Judge(double cost) {
    double& known = costs_[open_];
    known = blocks_[open_] == 0 ? cost : known + kNews * (cost - known);
    ++blocks_[open_];
    const uint32_t all = blocks_[0] + blocks_[1];
    const bool better = costs_[1] < kGain * costs_[0];
    open_ = all < 2 * kTrials ? !open_ : all % kRetry == 0 ? !better : better;
  }

  bool open_ = false;
  double seconds_ = 0;
  uint64_t misses_ = 0;
  uint32_t steps_ = 0;
  std::array<double, 2> costs_ = {};     ///< [open] → seconds for each miss
  std::array<uint32_t, 2> blocks_ = {};  ///< [open]
};

}  // namespace zell::stream
