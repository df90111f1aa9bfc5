#include "runtime/machine_probe.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "base/aligned_buffer.h"
#include "base/split_mix.h"
#include "base/thread_pool.h"
#include "kernels/kernels.h"
#include "stream/bank.h"
#include "stream/reader.h"

namespace zell::runtime {
namespace {

using Clock = std::chrono::steady_clock;
using quant::TensorType;

constexpr uint64_t kLeastBytes = uint64_t{8} << 20;
constexpr uint64_t kMostBytes = uint64_t{256} << 20;
constexpr size_t kPrefillColumns = 256;
// Rows of a call: what a thread takes at once of a matrix.
constexpr size_t kDecodeRows = 64;
constexpr size_t kPrefillRows = 128;
// Of the whole time; the rest is the disk's.
constexpr double kKernelShare = 0.2;

double Seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

// The type that most of the multiplied weights have, by bytes.
std::optional<TensorType> CommonType(const gguf::File& file) {
  std::map<TensorType, uint64_t> bytes;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    if (IsMatrix(file, tensor) && quant::IsMatrixType(tensor.type)) bytes[tensor.type] += tensor.bytes;
  }
  const auto most = std::max_element(bytes.begin(), bytes.end(), [](auto& a, auto& b) { return a.second < b.second; });
  if (most == bytes.end()) return std::nullopt;
  return most->first;
}

// A matrix of the model's type, and columns to multiply it with.
class Bench {
 public:
  Bench(TensorType type, size_t k, uint64_t bytes)
      : kernels_(kernels::ActiveKernels()), type_(type), k_(k), row_bytes_(quant::RowBytes(quant::InfoOf(type), k)) {
    rows_ = std::max<size_t>(1, static_cast<size_t>(bytes) / row_bytes_ / kPrefillRows) * kPrefillRows;
    weights_ = base::AlignedBuffer<uint8_t>::Unzeroed(rows_ * row_bytes_);
    const kernels::ActivationFormat format = kernels::FormatFor(type);
    stride_ = kernels::ActivationBytes(format, k);
    columns_ = base::AlignedBuffer<uint8_t>::Unzeroed(stride_ * kPrefillColumns);
    if (!ok()) return;
    // Bytes that are ordinary numbers in every format: none is infinite, or so small that it is slow.
    base::SplitMix64 random(1);
    for (size_t i = 0; i < weights_.size(); ++i) weights_[i] = static_cast<uint8_t>(0x30 | (random.Next() & 0x0f));
    std::vector<float> x(k);
    for (size_t c = 0; c < kPrefillColumns; ++c) {
      for (float& value : x) value = static_cast<float>(random.Next() >> 40) / float{1 << 24} - 0.5f;
      kernels_.quantize(format, x.data(), columns_.data() + c * stride_, k);
    }
  }

  bool ok() const { return weights_.ok() && columns_.ok(); }
  uint64_t bytes() const { return rows_ * row_bytes_; }

  /// Weights a second, each multiplied with `columns`: the best of passes of `call_rows` each time, for `seconds`.
  double Rate(base::ThreadPool& pool, size_t columns, size_t call_rows, double seconds,
              const std::atomic<bool>& stop) const {
    // A pass over all weights may take longer than there is time when columns are many.
    const size_t share =
        columns == 1 ? rows_ : std::min(rows_, size_t{8} * call_rows * static_cast<size_t>(pool.size()));
    double best = 0;
    const Clock::time_point begin = Clock::now();
    do {
      std::atomic<size_t> next = 0;
      const Clock::time_point start = Clock::now();
      pool.Run([&](int) {
        std::vector<float> y(call_rows * columns);
        for (size_t row = next.fetch_add(call_rows); row < share; row = next.fetch_add(call_rows)) {
          const size_t rows = std::min(call_rows, share - row);
          kernels_.matmul(type_, {weights_.data() + row * row_bytes_, row_bytes_, rows, columns_.data(), stride_,
                                  columns, k_, y.data(), rows});
        }
      });
      best = std::max(best, static_cast<double>(share) * static_cast<double>(k_) / std::max(Seconds(start), 1e-9));
    } while (Seconds(begin) < seconds && !stop.load(std::memory_order_relaxed));
    return best;
  }

  double bytes_per_weight() const { return static_cast<double>(row_bytes_) / static_cast<double>(k_); }

 private:
  const kernels::Kernels& kernels_;
  const TensorType type_;
  const size_t k_;
  const size_t row_bytes_;
  size_t rows_ = 0;
  size_t stride_ = 0;
  base::AlignedBuffer<uint8_t> weights_, columns_;
};

base::Result<KernelSpeed> MeasureKernels(const Summary& summary, int threads, double seconds,
                                         const std::atomic<bool>& stop) {
  const std::optional<TensorType> type = CommonType(*summary.file);
  if (!type) return base::Status{base::StatusCode::kUnsupportedModel, "the model has no matrices"};
  const size_t block = quant::InfoOf(*type).block_weights;
  const size_t width = std::clamp<size_t>(summary.embedding_length, 256, 16'384);
  const Bench bench(*type, (width + block - 1) / block * block,
                    std::clamp(summary.token_work.bytes, kLeastBytes, kMostBytes));
  if (!bench.ok()) return base::Status{base::StatusCode::kOutOfMemory, "no memory for the measurement of kernels"};
  base::ThreadPool pool(threads);
  KernelSpeed speed;
  speed.type = quant::InfoOf(*type).name;
  speed.isa = kernels::ActiveKernels().name;
  speed.threads = threads;
  speed.bytes = bench.bytes();
  speed.decode_bytes_per_second = bench.Rate(pool, 1, kDecodeRows, seconds / 2, stop) * bench.bytes_per_weight();
  speed.prefill_ops_per_second =
      bench.Rate(pool, kPrefillColumns, kPrefillRows, seconds / 2, stop) * 2 * static_cast<double>(kPrefillColumns);
  return speed;
}

}  // namespace

base::Result<MachineSpeed> MeasureMachine(const std::string& path, const LoadOptions& options, double seconds,
                                          const std::function<void(uint64_t, uint64_t)>& progress,
                                          const std::atomic<bool>& stop) {
  base::Result<Summary> summary = Inspect(path, options);
  if (!summary.ok()) return summary.status();
  MachineSpeed speed;
  base::Result<KernelSpeed> kernels = MeasureKernels(*summary, ThreadsFor(options), kKernelShare * seconds, stop);
  if (!kernels.ok()) return kernels.status();
  speed.kernels = std::move(*kernels);
  if (progress) progress(1, 2);
  // Weights that are not experts are read in large pieces as well.
  const uint64_t piece = summary->experts.slot_bytes > 0 ? summary->experts.slot_bytes : stream::kPieceBytes;
  const auto on_disk = [&](uint64_t done, uint64_t total) {
    if (progress) progress(total + done, 2 * total);
  };
  base::Result<stream::DiskSpeed> disk =
      stream::MeasureDisk(*summary->file, piece, (1 - kKernelShare) * seconds, on_disk, stop);
  if (!disk.ok()) return disk.status();
  speed.disk = std::move(*disk);
  return speed;
}

}  // namespace zell::runtime
