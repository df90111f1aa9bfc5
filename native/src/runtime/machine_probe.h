// What a model's speed on this machine follows from: its kernels on weights like the model's, and the disk it lies on.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "base/status.h"
#include "runtime/summary.h"
#include "stream/disk_probe.h"

namespace zell::runtime {

struct KernelSpeed {
  std::string type;                    ///< of most of the model's weights
  const char* isa = "";                ///< whose kernels ran
  int threads = 0;                     ///< all figures are of these together
  uint64_t bytes = 0;                  ///< of weights that each pass went through
  double decode_bytes_per_second = 0;  ///< of weights, one column
  double prefill_ops_per_second = 0;   ///< products and additions, 256 columns
};

struct MachineSpeed {
  KernelSpeed kernels;
  stream::DiskSpeed disk;
};

/// For about `seconds`: a fifth of it full load on the threads in force, then reads of the file. Takes the memory of
/// the weights that one token reads, 256 MiB at most. `progress`: measurements that are done.
/// @errors as gguf::File::Open; kUnsupportedModel: no matrix that kernels multiply; kCancelled; kOutOfMemory; kIo.
base::Result<MachineSpeed> MeasureMachine(const std::string& path, const LoadOptions& options, double seconds,
                                          const std::function<void(uint64_t done, uint64_t total)>& progress,
                                          const std::atomic<bool>& stop);

}  // namespace zell::runtime
