// Which tokens may come next, whatever their logits say.
#pragma once

#include <cstdint>
#include <span>

#include "base/status.h"

namespace zell::sampling {

/// Follows one answer. Not thread-safe.
class TokenFilter {
 public:
  virtual ~TokenFilter() = default;
  /// Cheaper than a mask.
  virtual bool Allows(int32_t token) = 0;
  /// One bit a token, the lowest first; valid until the next call.
  virtual std::span<const uint64_t> Mask() = 0;
  virtual void Accept(int32_t token) = 0;
  /// Why nothing is allowed.
  virtual base::Status status() const = 0;
};

}  // namespace zell::sampling
