// The matrices of a dense model larger than memory, read in the order of their turns while others are computed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "backend/matrix_source.h"
#include "stream/reader.h"
#include "stream/store_size.h"
#include "stream/turns.h"

namespace zell::stream {

/// Sums since the stream was made.
struct MatrixStats {
  uint64_t bytes_read = 0;
  uint64_t waited_us = 0;  ///< that threads slept for matrices, all together
};

/// The first turns are kept in memory as long as it lasts, and read with the others when they must be given up.
/// Readers go round the other turns without a rest, as far ahead as there is memory: behind the last turn of a run
/// follows the first of the next, which is so read while the last ones are computed and between the runs.
class MatrixStream final : public backend::MatrixSource {
 public:
  /// `turns`: those of the body first, of which the first `kept` get places of their own. `buffer_bytes`: memory for
  /// what is used and what is read ahead of the others, at least their LeastBuffer; `readers` threads read.
  /// @errors kOutOfMemory.
  static base::Result<std::unique_ptr<MatrixStream>> Create(std::vector<Turn> turns, uint32_t kept,
                                                            std::optional<RowTable> rows,
                                                            std::unique_ptr<PieceReader> reader, uint64_t buffer_bytes,
                                                            int readers);
  ~MatrixStream() override;

  /// Reads the kept turns, before the first run. `progress`: in bytes.
  /// @errors kCancelled; as PieceReader::Read.
  base::Status Fill(const std::function<void(uint64_t done)>& progress, const std::atomic<bool>& stop);

  /// Gives the plan's ops their turns and makes their weights point to where they are read to.
  void Attach(backend::Plan& plan);

  void Begin(bool head_follows) override;
  bool Take(uint32_t turn, const std::atomic<bool>& stop) override;
  void Done(uint32_t turn) override;
  bool brings_rows() const override;
  base::Status ReadRows(std::span<const int32_t> tokens, uint8_t* out, const std::atomic<bool>& stop) override;
  bool failed() const override;
  base::Status End() override;

  /// Any thread. So many turns are kept from the next run on, at most those of Create: those given up leave memory at
  /// once or with the end of a run, those added stay when a run has read them.
  void LimitKept(uint64_t turns);

  /// Any thread.
  MatrixStats stats() const;
  /// In turns, all of a mean size.
  StoreSize size() const;
  uint32_t kept() const;        ///< so many of the first turns are in memory; a run finds no fewer than before it
  uint64_t kept_bytes() const;  ///< of the places of kept turns
  uint64_t buffer_bytes() const;
  uint64_t round_bytes() const;  ///< that one run with logits reads

 private:
  struct Impl;
  explicit MatrixStream(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One turn in use, one that is read.
uint64_t LeastBuffer(std::span<const Turn> turns);

}  // namespace zell::stream
