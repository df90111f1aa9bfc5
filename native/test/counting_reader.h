// A file's reader that counts, and fails from some read on if wanted.
#pragma once

#include <atomic>
#include <memory>

#include "stream/reader.h"

namespace zell::test {

class CountingReader final : public stream::PieceReader {
 public:
  explicit CountingReader(std::unique_ptr<PieceReader> reader) : reader_(std::move(reader)) {}
  base::Status Read(uint32_t shard, uint64_t offset, std::span<uint8_t> out) override {
    if (reads++ >= fail_from) return {base::StatusCode::kIo, "the disk is gone"};
    bytes += out.size();
    return reader_->Read(shard, offset, out);
  }
  std::atomic<uint64_t> reads = 0, bytes = 0;
  std::atomic<uint64_t> fail_from = UINT64_MAX;

 private:
  std::unique_ptr<PieceReader> reader_;
};

}  // namespace zell::test
