// What is measured of a machine for a model. That figures are there and follow from the file; never how large they are.
#include "runtime/machine_probe.h"

#include <filesystem>
#include <set>

#include "check.h"
#include "kernels/kernels.h"
#include "small_model.h"

using namespace zell;

TEST(kernels_and_disk_of_a_mixture_are_measured) {
  const std::string path = test::WriteSmallModel({.layers = 2, .width = 512, .ffn = 512, .experts = 4}, "probed");
  const std::atomic<bool> stop = false;
  uint64_t last = 0, total = 0;
  const auto progress = [&](uint64_t done, uint64_t all) {
    CHECK(done > 0 && done <= all);
    last = done, total = all;
  };
  const base::Result<runtime::MachineSpeed> speed = runtime::MeasureMachine(path, {.threads = 2}, 0.3, progress, stop);
  REQUIRE(speed.ok());
  CHECK_EQ(last, total);
  CHECK_EQ(speed->kernels.type, "Q8_0");
  CHECK_EQ(speed->kernels.threads, 2);
  CHECK_EQ(std::string(speed->kernels.isa), kernels::ActiveKernels().name);
  CHECK(speed->kernels.decode_bytes_per_second > 1e6);
  CHECK(speed->kernels.prefill_ops_per_second > speed->kernels.decode_bytes_per_second);
  CHECK(speed->disk.sequential_per_second > 0);
  // A piece is one expert here, to whole pages: three matrices of 512 x 512 bytes and their scales.
  CHECK(speed->disk.piece_bytes >= 3 * 512 * 512 && speed->disk.piece_bytes < 4 * 512 * 512);
  std::set<std::pair<bool, int>> ways;
  for (const stream::DiskRate& rate : speed->disk.random) {
    CHECK(rate.bytes_per_second > 0);
    ways.insert({rate.past_cache, rate.readers});
  }
  CHECK(ways == (std::set<std::pair<bool, int>>{{true, 1}, {true, 2}, {true, 4}, {true, 8}, {false, 1}, {false, 4}}));
  std::filesystem::remove(path);
}

TEST(measuring_can_be_stopped_and_says_what_is_wrong) {
  const std::string path = test::WriteSmallModel({}, "probed_dense");
  const std::atomic<bool> stop = true;
  const auto stopped = runtime::MeasureMachine(path, {.threads = 1}, 0.3, nullptr, stop);
  CHECK(!stopped.ok() && stopped.status().code == base::StatusCode::kCancelled);
  std::filesystem::remove(path);
  const auto absent = runtime::MeasureMachine(path, {.threads = 1}, 0.3, nullptr, stop);
  CHECK(!absent.ok() && absent.status().code == base::StatusCode::kNotFound);
}

TEST(a_summary_says_where_experts_lie) {
  const std::string mixture = test::WriteSmallModel({.layers = 3, .experts = 8, .experts_used = 2}, "layout");
  const auto summary = runtime::Inspect(mixture, {});
  REQUIRE(summary.ok());
  CHECK_EQ(summary->experts.layers, 3u);
  CHECK_EQ(summary->experts.count, uint64_t{24});
  CHECK_EQ(summary->experts.per_token, uint64_t{6});
  CHECK(summary->experts.bytes > 24 * 3 * 256 * 256 && summary->experts.bytes < summary->file->total_bytes());
  CHECK(summary->experts.slot_bytes >= summary->experts.bytes / 24);
  std::filesystem::remove(mixture);
  const std::string dense = test::WriteSmallModel({}, "layout_dense");
  const auto plain = runtime::Inspect(dense, {});
  REQUIRE(plain.ok());
  CHECK_EQ(plain->experts.count, uint64_t{0});
  std::filesystem::remove(dense);
}

ZELL_TEST_MAIN
