// The numerics contract in the shapes that differ from Llama's: windows, caps, plain and fused MLPs, attention beside
// the MLP, norms in other places. Logits are the same bits whatever the slices, threads, instruction set and fusions.
#include <filesystem>

#include "backend/plan_rewrite.h"
#include "model/arch/arch.h"
#include "plan_machine.h"
#include "random_model.h"

namespace zell::test {
namespace {

constexpr size_t kVocabulary = 512;
// Windows of 70 and 100 tokens begin in mid-block, and contexts of more than 256 are split between threads.
const char* const kModels[] = {"gemma2", "gemma3", "gemma4-small", "cohere2",     "olmo3",
                               "phi2",   "phi3",   "falcon-40b",   "stablelm-12b"};

struct Model {
  std::shared_ptr<const gguf::File> file;
  backend::Plan plain, fused;

  explicit Model(const std::string& name, quant::TensorType type = quant::TensorType::kQ8_0) {
    const std::string path = (std::filesystem::temp_directory_path() / "zell_architecture_numerics_test.gguf").string();
    RandomModelSpec spec;
    spec.model = name;
    spec.type = type;
    const base::Status written = WriteRandomModel(path, spec);
    CHECK_EQ(written.message, "");
    auto opened = gguf::File::Open(path);
    if (!opened.ok()) return;
    auto plan = model::BuildPlan(**opened);
    CHECK_EQ(plan.status().message, "");
    if (!plan.ok()) return;
    file = *opened;
    plain = fused = *plan;
    backend::Fuse(fused);
  }
};

void Same(const std::vector<float>& a, const std::vector<float>& b, const std::string& what) {
  CheckSameBits(a, b, kVocabulary, what);
}

std::vector<float> From(const std::vector<float>& logits, size_t token) {
  return {logits.begin() + static_cast<std::ptrdiff_t>(token * kVocabulary), logits.end()};
}

}  // namespace

TEST(slices_threads_and_fusions_change_no_bit) {
  const std::vector<int32_t> tokens = Tokens(290);
  for (const char* name : kModels) {
    const Model m(name);
    REQUIRE(m.file != nullptr);
    Machine whole(m.fused, 2), other(m.fused, 3), plain(m.plain, 1);
    kv::Sequence a(whole.cache), b(other.cache), c(plain.cache);
    const std::vector<float> expected = whole.Prefill(a, tokens, 290);
    Same(other.Prefill(b, tokens, 37), expected, std::string(name) + " in slices");
    Same(plain.Prefill(c, tokens, 290), expected, std::string(name) + " without fusions");
    CHECK(m.fused.body.size() < m.plain.body.size());
    const std::vector<int32_t> tail(tokens.begin() + 280, tokens.end());
    for (const size_t width : {1, 3, 5}) {
      b.Truncate(280);
      Same(other.Prefill(b, tail, width), From(expected, 280),
           std::string(name) + ", decode width " + std::to_string(width));
    }
  }
}

TEST(every_isa_gives_the_same_bits) {
  const std::vector<int32_t> tokens = Tokens(110);
  for (const char* name : {"gemma2", "gemma3", "phi2", "nemotron"}) {
    const Model m(name);
    REQUIRE(m.file != nullptr);
    std::vector<float> expected;
    for (const kernels::Kernels* k : kernels::SupportedKernels()) {
      Machine machine(m.fused, 2, *k);
      kv::Sequence s(machine.cache);
      const std::vector<float> logits = machine.Prefill(s, tokens, 110);
      if (expected.empty()) expected = logits;
      Same(logits, expected, std::string(name) + " on " + k->name);
    }
  }
}

TEST(trees_and_forks_see_through_a_window_what_chains_see) {
  for (const char* name : {"gemma3", "gemma4-small", "cohere2"}) {
    const Model m(name);
    REQUIRE(m.file != nullptr);
    Machine machine(m.fused, 2);
    kv::Sequence s(machine.cache);
    machine.Prefill(s, Tokens(270), 270);
    const std::vector<int32_t> tree = {5, 9, 77, 130}, parents = {-1, 0, 0, 2};
    const std::vector<std::vector<int32_t>> paths = {{5}, {5, 9}, {5, 77}, {5, 77, 130}};
    const std::vector<float> logits = machine.Run({{&s, tree, parents}});
    for (size_t t = 0; t < paths.size(); ++t) {
      kv::Sequence chain = s.Fork(270);
      const std::vector<float> path = machine.Prefill(chain, paths[t], 1);
      const std::vector<float> row(logits.begin() + static_cast<std::ptrdiff_t>(t * kVocabulary),
                                   logits.begin() + static_cast<std::ptrdiff_t>((t + 1) * kVocabulary));
      Same(row, From(path, paths[t].size() - 1), std::string(name) + ", tree token " + std::to_string(t));
    }
  }
}

TEST(longrope_depends_on_the_context_in_force) {
  const Model m("phi3-long");
  REQUIRE(m.file != nullptr);
  const auto slow = model::BuildPlan(*m.file, {.context = 300}), fast = model::BuildPlan(*m.file, {.context = 256});
  REQUIRE(slow.ok() && fast.ok());
  CHECK(slow->ropes[0].turns == m.plain.ropes[0].turns);
  CHECK(fast->ropes[0].turns != m.plain.ropes[0].turns);
}

TEST(layers_with_a_window_are_a_group_of_their_own) {
  const Model m("gemma3");
  REQUIRE(m.file != nullptr);
  REQUIRE(m.plain.kv_groups.size() == 2);
  CHECK_EQ(m.plain.kv_groups[0].layers, 1u);
  CHECK_EQ(m.plain.kv_groups[0].window, 0u);
  CHECK_EQ(m.plain.kv_groups[1].layers, 5u);
  CHECK_EQ(m.plain.kv_groups[1].window, 70u);
}

}  // namespace zell::test

ZELL_TEST_MAIN
