// Which models are refused, which stream their experts, and how far the KV cache may grow.
#include "runtime/memory_plan.h"

#include "check.h"

using zell::base::MemoryInfo;
using zell::runtime::MemoryPlan;
using zell::runtime::ModelNeeds;
using zell::runtime::PlanMemory;
using zell::runtime::Strategy;

constexpr uint64_t kMiB = 1 << 20;

namespace {

ModelNeeds Dense(uint64_t weights, uint32_t context, uint32_t sequences) {
  ModelNeeds needs;
  needs.weights_bytes = weights;
  needs.scratch_bytes = 10 * kMiB;
  needs.kv_block_bytes = kMiB;
  needs.context = context;
  needs.sequences = sequences;
  return needs;
}

// 1000 MiB, 900 of them in 90 experts.
ModelNeeds Mixture() {
  ModelNeeds needs = Dense(1000 * kMiB, 2048, 4);
  needs.expert_bytes = 900 * kMiB;
  needs.experts = 90;
  needs.slot_bytes = 10 * kMiB;
  needs.least_slots = 2;
  return needs;
}

MemoryPlan With(const ModelNeeds& needs, uint64_t available, uint64_t limit = 0) {
  return PlanMemory(needs, MemoryInfo{65536 * kMiB, available * kMiB}, limit * kMiB);
}

// 1000 MiB: 80 matrices of 10, an output layer of 100, an embedding of 95, and 5 of vectors.
ModelNeeds Layers() {
  ModelNeeds needs = Dense(1000 * kMiB, 2048, 4);
  needs.matrix_bytes.assign(80, 10 * kMiB);
  needs.logits_bytes = 100 * kMiB;
  needs.embedding_bytes = 95 * kMiB;
  needs.least_buffer = 20 * kMiB;
  return needs;
}

}  // namespace

TEST(a_model_that_fits_gets_full_contexts) {
  const MemoryPlan plan = With(Dense(100 * kMiB, 1024, 4), 2048);
  CHECK(plan.fits() && plan.strategy == Strategy::kDirect);
  CHECK_EQ(plan.kv_blocks, 4u * 32);
  CHECK_EQ(plan.needed_bytes, (100 + 10 + 16) * kMiB);
}

TEST(the_cache_is_cut_to_what_is_left) {
  const MemoryPlan plan = With(Dense(100 * kMiB, 131072, 8), 310);
  CHECK(plan.fits());
  CHECK_EQ(plan.kv_blocks, 180u);  // 90 % of 200 MiB
}

TEST(a_model_that_does_not_fit_is_refused_with_numbers) {
  const auto status = zell::runtime::CheckFit(With(Dense(4096 * kMiB, 1024, 1), 2048));
  CHECK(status.code == zell::base::StatusCode::kOutOfMemory);
  CHECK(status.message.find("4122 MiB") != std::string::npos);
  CHECK(status.message.find("2048 MiB") != std::string::npos);
}

TEST(a_limit_counts_like_less_memory) {
  const ModelNeeds needs = Dense(100 * kMiB, 1024, 1);
  CHECK(With(needs, 2048, 500).fits());
  CHECK(!With(needs, 2048, 120).fits());
  CHECK_EQ(With(needs, 300, 500).available_bytes, 300 * kMiB);
}

TEST(a_silent_system_refuses_nothing) { CHECK(PlanMemory(Dense(kMiB, 64, 1), MemoryInfo{0, 0}).fits()); }

TEST(a_mixture_streams_from_four_fifths_of_the_memory_on) {
  CHECK(With(Mixture(), 1300).strategy == Strategy::kDirect);
  CHECK_EQ(With(Mixture(), 1300).expert_cache_bytes, 0u);
  const MemoryPlan near = With(Mixture(), 1200);
  CHECK(near.strategy == Strategy::kHybrid);
  CHECK_EQ(near.resident_bytes, 100 * kMiB);
  CHECK(near.expert_slots >= 60 && near.expert_slots < 90);
  CHECK(With(Mixture(), 500).strategy == Strategy::kStreaming);
  // Dense models have nothing that may stay on the disk.
  CHECK(With(Dense(1000 * kMiB, 2048, 4), 1100).strategy == Strategy::kDirect);
  CHECK(!With(Dense(1000 * kMiB, 2048, 4), 900).fits());
}

TEST(streamed_plans_never_take_more_than_there_is) {
  bool refused = true;
  for (uint64_t available = 100; available < 1300; available += 7) {
    const MemoryPlan plan = With(Mixture(), available);
    // Once it runs, it runs with any larger memory.
    CHECK(plan.fits() || refused);
    refused = !plan.fits();
    if (!plan.streams()) continue;
    CHECK(plan.expert_slots >= 2 && plan.kv_blocks >= 16);
    CHECK_EQ(plan.expert_cache_bytes, plan.expert_slots * 10 * kMiB);
    CHECK(plan.resident_bytes + plan.scratch_bytes + plan.margin_bytes + plan.expert_cache_bytes +
              plan.kv_blocks * kMiB <=
          plan.available_bytes);
  }
  // A third of the file is enough.
  CHECK(With(Mixture(), 333).strategy == Strategy::kStreaming);
  CHECK(zell::runtime::CheckFit(With(Mixture(), 150)).message.find("even with its experts") != std::string::npos);
}

TEST(a_profile_says_how_large_the_cache_of_experts_may_be) {
  ModelNeeds needs = Mixture();
  const MemoryPlan usual = With(needs, 900);
  REQUIRE(usual.streams());
  needs.most_cache_bytes = 205 * kMiB;
  const MemoryPlan small = With(needs, 900);
  CHECK_EQ(small.expert_slots, uint64_t{20});
  CHECK(usual.expert_slots > 20);
  // Never more than there is room for, never less than a token needs.
  needs.most_cache_bytes = 100'000 * kMiB;
  CHECK_EQ(With(needs, 900).expert_slots, usual.expert_slots);
  needs.most_cache_bytes = 1;
  CHECK_EQ(With(needs, 900).expert_slots, uint64_t{2});
}

TEST(a_dense_model_streams_what_does_not_fit) {
  CHECK(With(Layers(), 1300).strategy == Strategy::kDirect);
  // As it takes less than nine tenths, a model that every token reads all of stays in memory.
  CHECK(With(Layers(), 1160).strategy == Strategy::kDirect);
  const MemoryPlan near = With(Layers(), 1100);
  CHECK(near.strategy == Strategy::kHybrid);
  CHECK(near.resident_logits && near.resident_matrices >= 60);
  const MemoryPlan half = With(Layers(), 500);
  CHECK(half.strategy == Strategy::kStreaming && half.resident_logits);
  CHECK_EQ(half.resident_bytes, (5 + 100 + 10 * half.resident_matrices) * kMiB);
  CHECK_EQ(half.streamed_bytes, (80 - half.resident_matrices) * 10 * kMiB);
  // A third is enough; with less the output layer goes to the disk before the model is refused.
  CHECK(With(Layers(), 333).strategy == Strategy::kStreaming);
  const MemoryPlan little = With(Layers(), 150);
  CHECK(little.fits() && !little.resident_logits);
  CHECK_EQ(little.streamed_bytes, (100 + 10 * (80 - little.resident_matrices)) * kMiB);
  CHECK(zell::runtime::CheckFit(With(Layers(), 40)).message.find("even with its layers") != std::string::npos);
}

TEST(a_table_that_is_also_the_output_layer_counts_once) {
  ModelNeeds needs = Layers();
  needs.tied = true;
  needs.embedding_bytes = needs.logits_bytes;
  needs.weights_bytes = 905 * kMiB;
  const MemoryPlan plan = With(needs, 500);
  CHECK(plan.resident_logits);
  CHECK_EQ(plan.resident_bytes, (5 + 100 + 10 * plan.resident_matrices) * kMiB);
}

TEST(streamed_layers_never_take_more_than_there_is) {
  bool refused = true;
  uint64_t streamed = UINT64_MAX;
  for (uint64_t available = 40; available < 1300; available += 7) {
    const MemoryPlan plan = With(Layers(), available);
    CHECK(plan.fits() || refused);
    refused = !plan.fits();
    if (refused) continue;
    // More memory never means more to read.
    CHECK(plan.streamed_bytes <= streamed);
    streamed = plan.streamed_bytes;
    if (!plan.streams()) continue;
    CHECK(plan.buffer_bytes >= 20 * kMiB && plan.kv_blocks >= 16);
    CHECK(plan.resident_bytes + plan.scratch_bytes + plan.margin_bytes + plan.buffer_bytes + plan.kv_blocks * kMiB <=
          plan.available_bytes);
  }
  CHECK_EQ(streamed, uint64_t{0});
}

ZELL_TEST_MAIN
