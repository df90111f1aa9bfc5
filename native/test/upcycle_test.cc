// A mixture of copies of the MLP computes what the dense model does.
#include "upcycle_model.h"

#include <cmath>
#include <cstring>
#include <filesystem>

#include "backend/plan_rewrite.h"
#include "check.h"
#include "gguf/file.h"
#include "model/arch/arch.h"
#include "plan_machine.h"
#include "random_model.h"

using namespace zell;

namespace {

std::string Path(const char* name) {
  return (std::filesystem::temp_directory_path() / (std::string("zell_upcycle_") + name + ".gguf")).string();
}

std::vector<float> LogitsOf(const std::string& path) {
  auto file = gguf::File::Open(path);
  if (!file.ok()) return {};
  auto plan = model::BuildPlan(**file);
  if (!plan.ok()) return {};
  backend::Fuse(*plan);
  test::Machine machine(*plan, 2);
  kv::Sequence sequence(machine.cache);
  return machine.Prefill(sequence, test::Tokens(40), 40);
}

std::vector<float> Dense() {
  test::RandomModelSpec spec;
  spec.type = quant::TensorType::kQ8_0;
  CHECK_EQ(test::WriteRandomModel(Path("dense"), spec).message, "");
  return LogitsOf(Path("dense"));
}

std::vector<float> Mixture(const test::UpcycleSpec& spec) {
  CHECK_EQ(test::UpcycleModel(Path("dense"), Path("mixture"), spec).message, "");
  return LogitsOf(Path("mixture"));
}

// Largest difference as a part of the range.
double Difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.empty() || a.size() != b.size()) return 1e9;
  double largest = 0, range = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::fabs(double(a[i]) - double(b[i])));
    range = std::max(range, std::fabs(double(a[i])));
  }
  return largest / range;
}

}  // namespace

TEST(copies_of_the_mlp_compute_the_dense_model) {
  const std::vector<float> dense = Dense();
  REQUIRE(!dense.empty());
  // One expert has the weight 1.
  const std::vector<float> one = Mixture({.experts = 4, .used = 1});
  CHECK(one.size() == dense.size() && std::memcmp(one.data(), dense.data(), one.size() * sizeof(float)) == 0);
  CHECK(Difference(dense, Mixture({.experts = 8, .used = 2})) < 1e-5);
  CHECK(Difference(dense, Mixture({.experts = 5, .used = 3, .seed = 9})) < 1e-5);
}

TEST(noise_makes_experts_differ) {
  const std::vector<float> dense = Dense();
  const double difference = Difference(dense, Mixture({.noise = 0.1}));
  CHECK(difference > 1e-3 && difference < 1.0);
}

TEST(halves_of_two_copies_are_the_dense_bits) {
  const std::vector<float> dense = Dense();
  // Routers of zeros give every expert the same logit: two weights of 0.5, of the first two experts.
  const std::vector<float> halves = Mixture({.experts = 8, .used = 2, .router = 0.0});
  CHECK(halves.size() == dense.size() && std::memcmp(halves.data(), dense.data(), halves.size() * sizeof(float)) == 0);
}

TEST(what_is_no_dense_llama_is_refused) {
  Dense();
  Mixture({});
  CHECK(!test::UpcycleModel(Path("mixture"), Path("twice"), {}).ok());
  CHECK(!test::UpcycleModel(Path("dense"), Path("few"), {.experts = 2, .used = 3}).ok());
}

ZELL_TEST_MAIN
