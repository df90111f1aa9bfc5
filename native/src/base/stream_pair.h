// Two ends of one byte stream, for a process and a child that it is about to start.
#pragma once

#include "base/status.h"

namespace zell::base {

/// Descriptors that the caller closes. What is written to one is read from the other; neither is inherited by children
/// unless it is given to them by name.
struct StreamPair {
  int own = -1;
  int child = -1;

  /// @errors kUnsupported: this system has no such descriptors (Windows); kIo.
  static Result<StreamPair> Open();
};

}  // namespace zell::base
