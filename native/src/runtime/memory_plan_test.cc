// Which models are refused, and how far the KV cache may grow.
#include "runtime/memory_plan.h"
#include "check.h"

using zell::base::MemoryInfo;
using zell::runtime::PlanMemory;

constexpr uint64_t kMiB = 1 << 20;

TEST(a_model_that_fits_gets_full_contexts) {
  const auto plan = PlanMemory(100 * kMiB, 10 * kMiB, kMiB, 1024, 4, MemoryInfo{4096 * kMiB, 2048 * kMiB});
  CHECK(plan.fits());
  CHECK_EQ(plan.kv_blocks, 4u * 32);
  CHECK_EQ(plan.needed_bytes, (100 + 10 + 16) * kMiB);
}

TEST(the_cache_is_cut_to_what_is_left) {
  const auto plan = PlanMemory(100 * kMiB, 10 * kMiB, kMiB, 131072, 8, MemoryInfo{400 * kMiB, 310 * kMiB});
  CHECK(plan.fits());
  CHECK_EQ(plan.kv_blocks, 180u);  // 90 % of 200 MiB
}

TEST(a_model_that_does_not_fit_is_refused_with_numbers) {
  const auto plan = PlanMemory(4096 * kMiB, 10 * kMiB, kMiB, 1024, 1, MemoryInfo{4096 * kMiB, 2048 * kMiB});
  const auto status = zell::runtime::CheckFit(plan);
  CHECK(status.code == zell::base::StatusCode::kOutOfMemory);
  CHECK(status.message.find("4122 MiB") != std::string::npos);
  CHECK(status.message.find("2048 MiB") != std::string::npos);
}

TEST(a_silent_system_refuses_nothing) { CHECK(PlanMemory(kMiB, 0, kMiB, 64, 1, MemoryInfo{0, 0}).fits()); }

ZELL_TEST_MAIN
