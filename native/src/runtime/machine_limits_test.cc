#include "runtime/machine_limits.h"

#include <cstring>

#include "check.h"
#include "kernels/int8_peak.h"
#include "kernels/kernels.h"

using namespace zell;

TEST(every_instruction_set_counts_its_products) {
  for (const kernels::Kernels* k : kernels::SupportedKernels()) {
    const uint64_t once = kernels::RunInt8Products(k->isa, 100);
    CHECK(once > 0);
    CHECK_EQ(kernels::RunInt8Products(k->isa, 200), 2 * once);
  }
}

TEST(both_limits_are_measured) {
  const std::atomic<bool> stop = false;
  const base::Result<runtime::MachineLimits> limits = runtime::MeasureLimits(2, stop);
  CHECK(limits.ok());
  CHECK(limits->threads == 2);
  CHECK(std::strcmp(limits->isa, kernels::ActiveKernels().name) == 0);
  CHECK(limits->buffer_bytes >= (size_t{64} << 20));
  CHECK(limits->read_bytes_per_second > 1e6);
  CHECK(limits->int8_ops_per_second > 1e6);
}

TEST(it_can_be_stopped) {
  const std::atomic<bool> stop = true;
  const base::Result<runtime::MachineLimits> limits = runtime::MeasureLimits(1, stop);
  CHECK(!limits.ok() && limits.status().code == base::StatusCode::kCancelled);
}

ZELL_TEST_MAIN
