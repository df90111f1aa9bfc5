// The numerics contract, end to end: logits are the same bits whatever the slices, threads, neighbours and sharing.
#include <algorithm>
#include <cstring>

#include "backend/plan_rewrite.h"
#include "check.h"
#include "model/arch/arch.h"
#include "plan_machine.h"
#include "small_model.h"

using namespace zell;
using quant::TensorType;
using test::Machine;
using test::Tokens;

namespace {

constexpr size_t kVocabulary = test::kSmallVocabulary;
struct Model {
  std::shared_ptr<const gguf::File> file;
  backend::Plan plain, fused;

  explicit Model(const test::SmallModel& small, backend::KvType kv = backend::KvType::kF16) {
    auto opened = gguf::File::Open(test::WriteSmallModel(small, "numerics_test"));
    if (!opened.ok()) return;
    file = *opened;
    auto plan = model::BuildPlan(*file);
    if (!plan.ok()) return;
    for (backend::KvGroup& group : plan->kv_groups) group.type = kv;
    plain = fused = *plan;
    backend::Fuse(fused);
  }
};

void CheckSameBits(const std::vector<float>& a, const std::vector<float>& b, const std::string& what) {
  test::CheckSameBits(a, b, kVocabulary, what);
}

// A mixture of experts in types of every activation format.
TensorType MixedExperts(const std::string& name) {
  if (name.starts_with("blk.0.ffn_gate")) return TensorType::kQ4_K;
  if (name.starts_with("blk.0.ffn_up")) return TensorType::kQ4_0;
  if (name.starts_with("blk.0.ffn_down")) return TensorType::kF16;
  if (name.starts_with("blk.1.ffn_down")) return TensorType::kQ6_K;
  return TensorType::kQ8_0;
}

// Every type at least once in one model, Q8_0 elsewhere.
TensorType Mixed(const std::string& name) {
  const struct {
    const char* name;
    TensorType type;
  } types[] = {
      {"blk.0.attn_q", TensorType::kQ4_K},   {"blk.0.attn_k", TensorType::kQ6_K},
      {"blk.0.attn_v", TensorType::kQ4_1},   {"blk.0.attn_output", TensorType::kQ5_0},
      {"blk.0.ffn_gate", TensorType::kQ4_0}, {"blk.0.ffn_up", TensorType::kQ4_1},
      {"blk.0.ffn_down", TensorType::kF16},  {"blk.1.attn_q", TensorType::kF32},
      {"blk.1.attn_k", TensorType::kBF16},   {"blk.1.ffn_up", TensorType::kQ5_1},
      {"blk.1.ffn_down", TensorType::kQ5_K}, {"token_embd", TensorType::kQ6_K},
  };
  for (const auto& [prefix, type] : types) {
    if (name.starts_with(prefix)) return type;
  }
  return TensorType::kQ8_0;
}

constexpr backend::KvType kKvTypes[] = {backend::KvType::kF16, backend::KvType::kQ8_0, backend::KvType::kQ4_0,
                                        backend::KvType::kQ8Q4};

}  // namespace

TEST(slices_of_any_width_give_the_same_bits) {
  for (const backend::KvType kv : kKvTypes) {
    const Model m({.type = Mixed}, kv);
    REQUIRE(m.file != nullptr);
    const std::vector<int32_t> tokens = Tokens(70);
    Machine machine(m.fused, 2);
    kv::Sequence whole(machine.cache);
    const std::vector<float> expected = machine.Prefill(whole, tokens, 70);
    REQUIRE(expected.size() == tokens.size() * kVocabulary);
    CHECK(std::all_of(expected.begin(), expected.end(), [](float x) { return std::isfinite(x); }));
    for (const size_t width : {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 32, 33, 64}) {
      kv::Sequence s(machine.cache);
      CheckSameBits(machine.Prefill(s, tokens, width), expected, "width " + std::to_string(width));
    }
  }
}

TEST(every_isa_keeps_the_contract_over_widths_and_threads) {
  for (const backend::KvType kv : kKvTypes) {
    const Model m({.type = Mixed}, kv);
    REQUIRE(m.file != nullptr);
    for (const kernels::Kernels* k : kernels::SupportedKernels()) {
      // Scalar under sanitizers is slower than all others together; its tiles are narrow.
      const bool slow = k->isa == kernels::Isa::kScalar;
      const std::vector<int32_t> tokens = Tokens(slow ? 18 : 35);
      std::vector<float> expected;
      for (const int threads : {1, 2, 3, 4}) {
        Machine machine(m.fused, threads, *k);
        for (const size_t width : {1, 3, 16, 33, 35}) {
          if (slow && width == 33) continue;
          kv::Sequence s(machine.cache);
          const std::vector<float> logits = machine.Prefill(s, tokens, width);
          if (expected.empty()) expected = logits;
          CheckSameBits(
              logits, expected,
              std::string(k->name) + ", threads " + std::to_string(threads) + ", width " + std::to_string(width));
        }
      }
    }
  }
}

TEST(experts_keep_the_contract_over_widths_threads_and_neighbours) {
  for (const uint32_t experts : {4u, 24u}) {
    const Model m({.experts = experts, .experts_used = experts / 8 + 1, .type = MixedExperts});
    REQUIRE(m.file != nullptr);
    for (const kernels::Kernels* k : kernels::SupportedKernels()) {
      const bool slow = k->isa == kernels::Isa::kScalar;
      const std::vector<int32_t> tokens = Tokens(slow ? 20 : 60);
      std::vector<float> expected;
      for (const int threads : {1, 3}) {
        if (slow && threads == 1) continue;
        Machine machine(m.fused, threads, *k);
        for (const size_t width : {1, 2, 3, 4, 9, 60}) {
          if (slow && (width == 2 || width == 9)) continue;
          kv::Sequence s(machine.cache);
          const std::vector<float> logits = machine.Prefill(s, tokens, width);
          if (expected.empty()) expected = logits;
          CheckSameBits(
              logits, expected,
              std::string(k->name) + ", threads " + std::to_string(threads) + ", width " + std::to_string(width));
        }
        kv::Sequence s(machine.cache), x(machine.cache);
        std::vector<float> logits;
        for (size_t i = 0; i < tokens.size(); i += 5) {
          const auto at = tokens.begin() + static_cast<std::ptrdiff_t>(i);
          const auto part = machine.Run({{&x, Tokens(1 + i % 7, 2)}, {&s, {at, at + 5}}}, 1);
          logits.insert(logits.end(), part.begin(), part.end());
        }
        CheckSameBits(logits, expected, std::string(k->name) + ", with neighbours");
      }
    }
  }
}

TEST(experts_in_tensors_of_their_own_are_the_same_experts) {
  const std::vector<int32_t> tokens = Tokens(30);
  const auto run = [&](bool separate) {
    const Model m({.experts = 5, .separate_experts = separate});
    if (m.file == nullptr) return std::vector<float>{};
    Machine machine(m.fused, 2);
    kv::Sequence s(machine.cache);
    return machine.Prefill(s, tokens, 30);
  };
  CheckSameBits(run(true), run(false), "separate tensors");
}

TEST(a_long_context_split_between_tasks_gives_the_same_bits) {
  for (const backend::KvType kv : kKvTypes) {
    const Model m({.layers = 1, .type = Mixed}, kv);
    REQUIRE(m.file != nullptr);
    const std::vector<int32_t> tokens = Tokens(600);
    Machine machine(m.fused, 3);
    kv::Sequence a(machine.cache), b(machine.cache);
    const std::vector<float> expected = machine.Prefill(a, tokens, 100);
    const std::vector<int32_t> head(tokens.begin(), tokens.begin() + 505), tail(tokens.begin() + 505, tokens.end());
    machine.Prefill(b, head, 505);
    const std::vector<float> last(expected.begin() + 505 * kVocabulary, expected.end());
    for (const size_t width : {1, 2, 4, 5}) {
      b.Truncate(505);
      CheckSameBits(machine.Prefill(b, tail, width), last, "decode width " + std::to_string(width));
    }
  }
}

TEST(neighbours_change_nothing) {
  const Model m({.type = Mixed});
  REQUIRE(m.file != nullptr);
  const std::vector<int32_t> tokens = Tokens(50);
  Machine machine(m.fused, 2);
  kv::Sequence alone(machine.cache);
  const std::vector<float> expected = machine.Prefill(alone, tokens, 50);
  kv::Sequence s(machine.cache), x(machine.cache), y(machine.cache);
  machine.Run({{&x, Tokens(40, 1)}}, 9);
  std::vector<float> logits;
  for (size_t i = 0; i < 50; i += 5) {
    const std::vector<int32_t> slice(tokens.begin() + static_cast<std::ptrdiff_t>(i),
                                     tokens.begin() + static_cast<std::ptrdiff_t>(i + 5));
    const auto part = machine.Run({{&x, Tokens(1 + i % 3, 2)}, {&s, slice}, {&y, Tokens(3, 4)}}, 1);
    logits.insert(logits.end(), part.begin(), part.end());
  }
  CheckSameBits(logits, expected, "with neighbours");
}

TEST(a_forked_prefix_equals_a_computed_one) {
  for (const backend::KvType kv : kKvTypes) {
    const Model m({.type = Mixed}, kv);
    REQUIRE(m.file != nullptr);
    const std::vector<int32_t> tokens = Tokens(90);
    Machine machine(m.fused, 2);
    kv::Sequence alone(machine.cache), other(machine.cache);
    const std::vector<float> expected = machine.Prefill(alone, tokens, 90);
    for (const size_t shared : {1, 31, 32, 33, 50, 64}) {
      other.Truncate(0);
      std::vector<int32_t> prefix(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(shared));
      machine.Prefill(other, prefix, 64);
      machine.Prefill(other, Tokens(20, 99), 20);
      kv::Sequence fork = other.Fork(static_cast<uint32_t>(shared));
      const std::vector<int32_t> rest(tokens.begin() + static_cast<std::ptrdiff_t>(shared), tokens.end());
      const std::vector<float> logits = machine.Prefill(fork, rest, 17);
      CheckSameBits(logits, {expected.begin() + static_cast<std::ptrdiff_t>(shared * kVocabulary), expected.end()},
                    "fork at " + std::to_string(shared));
    }
  }
}

TEST(a_sequence_that_grows_equals_one_with_all_its_memory_from_the_start) {
  constexpr size_t kStart = 512, kEnd = 640;
  // Blocks of 512 KiB in f16, so that growing takes new chunks of the arena.
  const test::SmallModel small{.layers = 8, .width = 512, .heads = 2, .kv_heads = 2, .ffn = 64};
  const std::vector<int32_t> tokens = Tokens(kEnd);
  for (const backend::KvType kv : kKvTypes) {
    const Model m(small, kv);
    REQUIRE(m.file != nullptr);
    Machine at_once(m.fused, 2);
    kv::Sequence whole(at_once.cache);
    CHECK(whole.Prepare(kEnd).ok());
    const auto allocated = whole.Addresses();
    const std::vector<float> expected = at_once.Prefill(whole, tokens, kStart);
    CHECK(whole.Addresses() == allocated);

    Machine machine(m.fused, 2);
    CHECK(kv != backend::KvType::kF16 || machine.cache.pool(0).block_bytes() == 512 * 1024);
    kv::Sequence s(machine.cache), neighbour(machine.cache);
    std::vector<float> logits = machine.Prefill(s, {tokens.begin(), tokens.begin() + kStart}, kStart);
    auto addresses = s.Addresses();
    for (size_t at = kStart; at < kEnd; at += kv::kBlockTokens) {
      CHECK_EQ(addresses[0].size(), at / kv::kBlockTokens);
      // Somebody else takes the block that would come next.
      machine.Run({{&neighbour, Tokens(kv::kBlockTokens)}});
      const auto first = tokens.begin() + static_cast<std::ptrdiff_t>(at);
      const std::vector<float> slice = machine.Run({{&s, {first, first + kv::kBlockTokens}}});
      logits.insert(logits.end(), slice.begin(), slice.end());
      const auto now = s.Addresses();
      for (size_t g = 0; g < now.size(); ++g) {
        CHECK(std::equal(addresses[g].begin(), addresses[g].end(), now[g].begin()));
      }
      addresses = now;
    }
    CheckSameBits(logits, expected, "growing by blocks");
  }
}

TEST(a_tree_gives_each_token_what_its_own_path_gives) {
  for (const backend::KvType kv : kKvTypes) {
    const Model m({.type = Mixed}, kv);
    REQUIRE(m.file != nullptr);
    for (const size_t length : {1, 30, 32, 45}) {
      Machine machine(m.fused, 2);
      kv::Sequence s(machine.cache);
      machine.Prefill(s, Tokens(length), 64);
      const std::vector<int32_t> tokens = {5, 9, 5, 77, 130, 200};
      const std::vector<int32_t> parents = {-1, 0, 0, 1, -1, 3};
      const std::vector<float> logits = machine.Run({{&s, tokens, parents}});
      CHECK_EQ(s.length(), static_cast<uint32_t>(length));
      const std::vector<std::vector<int32_t>> paths = {{5}, {5, 9}, {5, 5}, {5, 9, 77}, {130}, {5, 9, 77, 200}};
      for (size_t t = 0; t < paths.size(); ++t) {
        kv::Sequence chain = s.Fork(s.length());
        const std::vector<float> path = machine.Prefill(chain, paths[t], 1);
        const auto row = [&](const std::vector<float>& all, size_t index) {
          return std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(index * kVocabulary),
                                    all.begin() + static_cast<std::ptrdiff_t>((index + 1) * kVocabulary));
        };
        CheckSameBits(row(logits, t), row(path, paths[t].size() - 1),
                      "tree token " + std::to_string(t) + " after " + std::to_string(length));
      }
    }
  }
}

TEST(fusions_compute_the_same_bits) {
  for (const bool qwen : {false, true}) {
    const Model experts({.experts = 8, .type = MixedExperts});
    REQUIRE(experts.file != nullptr);
    CHECK_EQ(experts.fused.body.size() + 2 * 4, experts.plain.body.size());
    Machine plain_experts(experts.plain, 2), fused_experts(experts.fused, 2);
    kv::Sequence a(plain_experts.cache), b(fused_experts.cache);
    CheckSameBits(fused_experts.Prefill(b, Tokens(20), 20), plain_experts.Prefill(a, Tokens(20), 20), "experts");

    const Model m({.arch = qwen ? "qwen2" : "llama", .biases = qwen, .rope_factors = !qwen, .type = Mixed});
    REQUIRE(m.file != nullptr);
    const std::vector<int32_t> tokens = Tokens(20);
    backend::Plan merged = m.plain, silu = m.plain, add = m.plain;
    backend::MergeMatmuls(merged.body);
    backend::MergeMatmuls(silu.body);
    backend::FuseActivations(silu.body);
    backend::FuseAdd(add.body);
    // Per layer: Q, K, V merge (-2), gate and up (-1), the gate (-1), two adds (-2).
    CHECK_EQ(merged.body.size() + 2 * 3, m.plain.body.size());
    CHECK_EQ(silu.body.size() + 2 * 4, m.plain.body.size());
    CHECK_EQ(add.body.size() + 2 * 2, m.plain.body.size());
    CHECK_EQ(m.fused.body.size() + 2 * 6, m.plain.body.size());
    Machine plain(m.plain, 2);
    kv::Sequence s(plain.cache);
    const std::vector<float> expected = plain.Prefill(s, tokens, 20);
    for (const backend::Plan* plan : std::initializer_list<const backend::Plan*>{&merged, &silu, &add, &m.fused}) {
      Machine machine(*plan, 2);
      kv::Sequence t(machine.cache);
      CheckSameBits(machine.Prefill(t, tokens, 20), expected, "plan of " + std::to_string(plan->body.size()) + " ops");
    }
  }
}

TEST(keys_and_values_of_fewer_bits_are_close_and_need_less_memory) {
  // Heads of 80 numbers: rotated in blocks of 64 and 16, stored in groups of 32.
  const test::SmallModel small{.width = 320, .heads = 4, .kv_heads = 2};
  const test::SmallModel whole_groups{.width = 256, .heads = 4};  // heads of 64
  const Model half(small), wide(whole_groups);
  REQUIRE(half.file != nullptr && wide.file != nullptr);
  Machine a(half.fused, 2);
  kv::Sequence s(a.cache);
  const std::vector<float> expected = a.Prefill(s, Tokens(100), 100);
  // Random weights make attention sharp, so that a score off by hundredths shows.
  const struct {
    backend::KvType type;
    double distance;
    size_t thirty_seconds;
  } cases[] = {{backend::KvType::kQ8_0, 0.1, 17}, {backend::KvType::kQ8Q4, 0.3, 13}, {backend::KvType::kQ4_0, 0.6, 9}};
  for (const auto& [type, distance, thirty_seconds] : cases) {
    const Model few(small, type), narrow(whole_groups, type);
    Machine b(few.fused, 2);
    kv::Sequence t(b.cache);
    const std::vector<float> logits = b.Prefill(t, Tokens(100), 100);
    REQUIRE(expected.size() == logits.size());
    double error = 0, size = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      error += std::pow(double(logits[i]) - expected[i], 2);
      size += std::pow(double(expected[i]), 2);
    }
    CHECK(error > 0);
    CHECK(std::sqrt(error / size) < distance);
    CHECK_EQ(kv::BlockBytes(narrow.fused.kv_groups) * 32, kv::BlockBytes(wide.fused.kv_groups) * thirty_seconds);
  }
}

TEST(a_value_read_later_is_not_fused_away) {
  using backend::Op;
  using backend::OpKind;
  std::vector<Op> ops;
  ops.push_back({.kind = OpKind::kMatmul, .in = 0, .parts = {{0, -1, 1}}});
  ops.push_back({.kind = OpKind::kAdd, .in = 1, .out = 2});
  ops.push_back({.kind = OpKind::kTap, .layer = 0, .in = 1});
  backend::FuseAdd(ops);
  CHECK_EQ(ops.size(), 3u);
}

TEST(positions_and_order_matter) {
  const Model m({.type = Mixed});
  REQUIRE(m.file != nullptr);
  Machine machine(m.fused, 1);
  kv::Sequence a(machine.cache), b(machine.cache);
  const std::vector<float> x = machine.Run({{&a, {1, 2, 3, 9}}}), y = machine.Run({{&b, {3, 1, 2, 9}}});
  CHECK(std::memcmp(x.data() + 3 * kVocabulary, y.data() + 3 * kVocabulary, kVocabulary * sizeof(float)) != 0);
}

ZELL_TEST_MAIN
