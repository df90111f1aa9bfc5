// The choice of an instruction set, and that a forced one is the one that runs.
#include <cstdlib>
#include <cstring>
#include <string>

#include "base/cpu.h"
#include "check.h"
#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/tables.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

using namespace zell::kernels;

TEST(scalar_is_always_supported_and_first) {
  CHECK(!SupportedKernels().empty());
  CHECK_EQ(SupportedKernels().front()->isa, Isa::kScalar);
  for (const Kernels* k : SupportedKernels()) {
    CHECK(k->matmul != nullptr && k->row_granule != nullptr && k->quantize != nullptr && k->rms_norm != nullptr);
    CHECK(k->gate != nullptr && k->activate != nullptr && k->layer_norm != nullptr && k->add != nullptr &&
          k->axpy != nullptr && k->dot_f32 != nullptr);
    CHECK(k->exp_sum != nullptr && k->f16_to_f32 != nullptr && k->f32_to_f16 != nullptr && k->dot_f16 != nullptr);
    CHECK(k->axpy_f16 != nullptr);
  }
}

TEST(without_a_name_the_last_supported_is_chosen) {
  for (const char* name : {static_cast<const char*>(nullptr), ""}) {
    const Choice c = Choose(name);
    CHECK(c.kernels == SupportedKernels().back());
    CHECK(c.error.empty());
  }
}

TEST(every_supported_name_chooses_its_own_table) {
  for (const Kernels* k : SupportedKernels()) {
    const Choice c = Choose(k->name);
    CHECK(c.kernels == k);
    CHECK(c.error.empty());
  }
}

TEST(an_unknown_name_says_so_and_takes_the_best) {
  const Choice c = Choose("sse9");
  CHECK(c.kernels == SupportedKernels().back());
  CHECK(c.error.find("ZELL_ISA=sse9 is not an instruction set") != std::string::npos);
  CHECK(c.error.find("scalar") != std::string::npos);
}

TEST(an_unsupported_name_says_so) {
  if (zell::base::Cpu().avx512_vnni) SKIP("this CPU supports every instruction set");
  const Choice c = Choose("avx512vnni");
  CHECK(c.error.find("not supported by this CPU") != std::string::npos);
}

#if defined(__unix__) || defined(__APPLE__)
/// Exit code of a child that has not asked for kernels yet: 0 when ZELL_ISA=name makes `expected` the active table.
static int ChildWith(const char* name, const Kernels* expected, bool error) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    setenv("ZELL_ISA", name, 1);
    _exit(&ActiveKernels() == expected && (ForcedIsaError() != nullptr) == error ? 0 : 1);
  }
  int status = -1;
  if (child < 0 || waitpid(child, &status, 0) != child) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(the_environment_forces_the_active_table) {  // this process itself must not call ActiveKernels() before
  for (const Kernels* k : SupportedKernels()) CHECK_EQ(ChildWith(k->name, k, false), 0);
  CHECK_EQ(ChildWith("nonsense", SupportedKernels().back(), true), 0);
}
#endif

TEST(activation_columns_hold_their_records_in_an_odd_number_of_cache_lines) {
  CHECK_EQ(ActivationBytes(ActivationFormat::kF32, 1), size_t{64});
  for (ActivationFormat format : {ActivationFormat::kF32, ActivationFormat::kQ8, ActivationFormat::kQ8K}) {
    for (size_t k : {size_t{256}, size_t{512}, size_t{1536}, size_t{2048}, size_t{4096}}) {
      const size_t bytes = ActivationBytes(format, k);
      CHECK_EQ(bytes % 128, size_t{64});
      if (format == ActivationFormat::kF32) CHECK(bytes >= k * sizeof(float));
      if (format == ActivationFormat::kQ8) CHECK(bytes >= k / 32 * sizeof(Q8Record));
      if (format == ActivationFormat::kQ8K) CHECK(bytes >= k / 256 * sizeof(Q8KRecord));
    }
  }
}

ZELL_TEST_MAIN
