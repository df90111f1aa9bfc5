// Mixtures whose experts are read from the disk: the bits of the same file in memory, whatever the cache holds.
#include <cstring>
#include <filesystem>

#include "backend/plan_rewrite.h"
#include "check.h"
#include "counting_reader.h"
#include "model/arch/arch.h"
#include "plan_machine.h"
#include "random_model.h"
#include "small_model.h"
#include "stream/store.h"

using namespace zell;

namespace {

// Whoever reads here crashes.
const uint8_t* const kNowhere = reinterpret_cast<const uint8_t*>(uintptr_t{64});

// A model's plan, and one that streams its experts.
struct Model {
  std::shared_ptr<const gguf::File> file;
  backend::Plan plan, streamed;
  std::unique_ptr<stream::ExpertStore> store;
  test::CountingReader* reader = nullptr;
  uint64_t least = 0, experts = 0, slot_bytes = 0;

  explicit Model(const std::string& path) {
    if (const base::Status status = Open(path); !status.ok()) test::Fail(__FILE__, __LINE__, status.message);
  }

  base::Status Open(const std::string& path) {
    auto opened = gguf::File::Open(path);
    if (!opened.ok()) return opened.status();
    file = *opened;
    auto built = model::BuildPlan(*file);
    if (!built.ok()) return built.status();
    plan = std::move(*built);
    backend::Fuse(plan);
    auto banks = stream::FindBanks(plan, *file);
    if (!banks.ok()) return banks.status();
    least = stream::LeastSlots(*banks), experts = stream::CountExperts(*banks), slot_bytes = stream::SlotBytes(*banks);
    return base::Status::Ok();
  }

  // The stacks' own addresses lead nowhere then.
  bool Stream(uint64_t slots, int workers = 3) {
    auto files = stream::FileReader::Open(*file);
    auto banks = stream::FindBanks(plan, *file);
    if (!files.ok() || !banks.ok()) return false;
    auto counting = std::make_unique<test::CountingReader>(std::move(*files));
    reader = counting.get();
    auto created = stream::ExpertStore::Create(std::move(*banks), std::move(counting), slots * slot_bytes, workers);
    if (!created.ok()) return false;
    store = std::move(*created);
    streamed = plan;
    streamed.experts = store.get();
    for (const backend::Op& op : plan.body) {
      if (op.kind != backend::OpKind::kExperts || op.route < 0) continue;
      for (const auto& part : op.parts) {
        for (const uint8_t*& data : streamed.weights[static_cast<size_t>(part.weight)].stack) data = kNowhere;
      }
    }
    return true;
  }
};

std::string RandomPath(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("zell_streamed_" + name + ".gguf")).string();
}

std::vector<float> PrefillAndDecode(const backend::Plan& plan, size_t width) {
  test::Machine machine(plan, 2);
  kv::Sequence sequence(machine.cache);
  std::vector<float> logits = machine.Prefill(sequence, test::Tokens(24), width);
  const std::vector<float> next = machine.Prefill(sequence, test::Tokens(6, 9), 1);
  logits.insert(logits.end(), next.begin(), next.end());
  return logits;
}

void CheckModel(Model& model, const std::string& name) {
  REQUIRE(model.experts > 0);
  const std::vector<float> mapped = PrefillAndDecode(model.plan, 24);
  for (const uint64_t slots : {model.least, (model.least + model.experts) / 2, model.experts}) {
    REQUIRE(model.Stream(slots));
    for (const size_t width : {24, 5}) {
      test::CheckSameBits(PrefillAndDecode(model.streamed, width), mapped, model.plan.vocabulary_size,
                          name + " with " + std::to_string(slots) + " experts in memory");
    }
    CHECK(model.store->stats().misses > 0);
  }
}

}  // namespace

TEST(streamed_experts_leave_the_same_bits) {
  for (const auto& [name, type] : {std::pair{"mixtral", quant::TensorType::kQ4_K},
                                   {"qwen3moe", quant::TensorType::kQ8_0},
                                   {"deepseek2", quant::TensorType::kQ4_0},
                                   {"gpt-oss", quant::TensorType::kQ5_K}}) {
    test::RandomModelSpec spec;
    spec.model = name;
    spec.type = type;
    REQUIRE(test::WriteRandomModel(RandomPath(name), spec).ok());
    Model model(RandomPath(name));
    CheckModel(model, name);
  }
}

TEST(experts_in_tensors_of_their_own_can_be_streamed) {
  Model model(test::WriteSmallModel({.experts = 4, .separate_experts = true}, "streamed_separate"));
  CheckModel(model, "separate experts");
}

TEST(a_prompt_reads_each_expert_once) {
  Model model(test::WriteSmallModel({.layers = 3, .experts = 16}, "streamed_prompt"));
  REQUIRE(model.Stream(2));
  test::Machine machine(model.streamed, 2);
  kv::Sequence sequence(machine.cache);
  // 200 tokens reach all 16 experts; gate, up and down are a read each.
  const auto logits = machine.Prefill(sequence, test::Tokens(200), 200);
  CHECK(!logits.empty());
  CHECK(model.reader->reads <= uint64_t{3} * 16 * 3);
  CHECK(model.reader->reads >= uint64_t{3} * 10 * 3);
}

TEST(everything_in_memory_is_read_once) {
  Model model(test::WriteSmallModel({.experts = 8}, "streamed_whole"));
  REQUIRE(model.Stream(model.experts));
  (void)PrefillAndDecode(model.streamed, 24);
  const uint64_t reads = model.reader->reads;
  CHECK(reads > 0 && reads <= model.experts * 3);
  (void)PrefillAndDecode(model.streamed, 24);
  CHECK_EQ(model.reader->reads.load(), reads);
}

TEST(a_failing_disk_is_an_error_and_the_next_run_is_right_again) {
  Model model(test::WriteSmallModel({.experts = 8}, "streamed_failing"));
  const std::vector<float> mapped = PrefillAndDecode(model.plan, 24);
  REQUIRE(model.Stream(2));
  auto backend = backend::MakeCpuBackend(2);
  auto executor = backend->Compile(model.streamed);
  REQUIRE(executor.ok());
  kv::Cache cache(model.plan.kv_groups, 8);
  const std::vector<int32_t> tokens = test::Tokens(8);
  const std::atomic<bool> never = false;
  // From the first read on, and later ones, which are of other layers and stages.
  for (uint64_t good = 0; good < 40; good += 3) {
    kv::Sequence sequence(cache);
    REQUIRE(sequence.Prepare(tokens.size()).ok());
    backend::Batch batch;
    batch.items.push_back({.tokens = tokens, .parents = {}, .blocks = sequence.Addresses(), .tree_blocks = {}});
    batch.outputs.push_back({0, 7, true});
    test::Collect sink;
    model.reader->fail_from = model.reader->reads + good;
    const base::Status status = (*executor)->Run(batch, sink, never);
    CHECK(status.ok() || (status.code == base::StatusCode::kIo && status.message == "the disk is gone"));
    CHECK(status.ok() == !sink.logits.empty());
    CHECK(good > 0 || !status.ok());
  }
  model.reader->fail_from = UINT64_MAX;
  test::CheckSameBits(PrefillAndDecode(model.streamed, 24), mapped, model.plan.vocabulary_size, "after failures");
}

ZELL_TEST_MAIN
