// Dense models whose matrices are read from the disk: the bits of the same file in memory, each layer read once for a
// run.
#include <cstring>
#include <filesystem>
#include <future>

#include "backend/plan_rewrite.h"
#include "check.h"
#include "counting_reader.h"
#include "model/arch/arch.h"
#include "plan_machine.h"
#include "random_model.h"
#include "small_model.h"
#include "stream/matrix_stream.h"

using namespace zell;

namespace {

// Whoever reads here crashes.
const uint8_t* const kNowhere = reinterpret_cast<const uint8_t*>(uintptr_t{64});

// A model's plan, and one that streams its matrices, but for those of some first ops.
struct Model {
  std::shared_ptr<const gguf::File> file;
  backend::Plan plan, streamed;
  std::unique_ptr<stream::MatrixStream> stream;
  test::CountingReader* reader = nullptr;
  size_t turns = 0;

  explicit Model(const std::string& path) {
    auto opened = gguf::File::Open(path);
    REQUIRE(opened.ok());
    file = *opened;
    auto built = model::BuildPlan(*file);
    REQUIRE(built.ok());
    plan = std::move(*built);
    backend::Fuse(plan);
  }

  // Memory for `spare` bytes more than the least. The weights' own addresses lead nowhere then.
  bool Stream(size_t resident, uint64_t spare, int readers = 3) {
    auto files = stream::FileReader::Open(*file);
    if (!files.ok()) return false;
    auto counting = std::make_unique<test::CountingReader>(std::move(*files));
    reader = counting.get();
    streamed = plan;
    backend::SplitLogits(streamed, 4096);
    stream::Turns found = stream::FindTurns(streamed, *file);
    if (found.body.size() < resident) return false;
    std::vector<stream::Turn> others(found.body.begin() + static_cast<ptrdiff_t>(resident), found.body.end());
    others.insert(others.end(), found.head.begin(), found.head.end());
    std::vector<stream::Turn> all = std::move(found.body);
    all.insert(all.end(), found.head.begin(), found.head.end());
    turns = others.size();
    for (const stream::Turn& turn : all) {
      for (const auto& part : (turn.head ? streamed.head : streamed.body)[turn.op].parts) Lose(part.weight);
    }
    if (found.embedding) Lose(found.embedding->weight);
    const uint64_t bytes = stream::LeastBuffer(others) + spare;
    auto created = stream::MatrixStream::Create(std::move(all), static_cast<uint32_t>(resident), found.embedding,
                                                std::move(counting), bytes, readers);
    if (!created.ok()) return false;
    stream = std::move(*created);
    const std::atomic<bool> never = false;
    if (!stream->Fill(nullptr, never).ok()) return false;
    stream->Attach(streamed);
    return true;
  }

  void Lose(backend::WeightId id) { streamed.weights[static_cast<size_t>(id)].data = kNowhere; }
};

std::string RandomPath(const std::string& name) {
  return (std::filesystem::temp_directory_path() / ("zell_layers_" + name + ".gguf")).string();
}

std::vector<float> PrefillAndDecode(const backend::Plan& plan, size_t width) {
  test::Machine machine(plan, 2);
  kv::Sequence sequence(machine.cache);
  std::vector<float> logits = machine.Prefill(sequence, test::Tokens(40), width);
  const std::vector<float> next = machine.Prefill(sequence, test::Tokens(6, 9), 1);
  logits.insert(logits.end(), next.begin(), next.end());
  return logits;
}

}  // namespace

TEST(streamed_layers_leave_the_same_bits) {
  for (const auto& [name, type, tied] : {std::tuple{"llama", quant::TensorType::kQ4_K, 0},
                                         {"llama", quant::TensorType::kF32, 1},
                                         {"qwen2", quant::TensorType::kQ8_0, 1},
                                         {"gemma2", quant::TensorType::kQ4_0, 1},
                                         {"phi3", quant::TensorType::kQ5_K, 0}}) {
    test::RandomModelSpec spec;
    spec.model = name;
    spec.type = type;
    spec.shape.tied = tied;
    REQUIRE(test::WriteRandomModel(RandomPath(name), spec).ok());
    Model model(RandomPath(name));
    const std::vector<float> mapped = PrefillAndDecode(model.plan, 40);
    for (const auto& [resident, spare] : {std::pair<size_t, uint64_t>{0, 0}, {3, 40000}, {0, 1 << 20}}) {
      REQUIRE(model.Stream(resident, spare));
      CHECK(model.stream->brings_rows());
      for (const size_t width : {40, 7}) {
        test::CheckSameBits(PrefillAndDecode(model.streamed, width), mapped, model.plan.vocabulary_size,
                            std::string(name) + " with " + std::to_string(resident) + " resident, " +
                                std::to_string(spare) + " bytes to spare");
      }
    }
  }
}

TEST(an_encoder_can_be_streamed) {
  test::RandomModelSpec spec;
  spec.model = "bert";
  REQUIRE(test::WriteRandomModel(RandomPath("bert"), spec).ok());
  Model model(RandomPath("bert"));
  REQUIRE(model.Stream(1, 0));
  const auto embed = [](const backend::Plan& plan) {
    struct Keep final : backend::OutputSink {
      std::vector<float> normed;
      void OnOutput(size_t, std::span<const float> row, std::span<const float>) override {
        normed.insert(normed.end(), row.begin(), row.end());
      }
    } sink;
    auto backend = backend::MakeCpuBackend(2);
    auto executor = backend->Compile(plan);
    kv::Cache cache(plan.kv_groups, 8);
    kv::Sequence sequence(cache);
    const std::vector<int32_t> tokens = test::Tokens(8);
    CHECK(executor.ok() && sequence.Prepare(tokens.size()).ok());
    backend::Batch batch;
    batch.items.push_back({.tokens = tokens, .parents = {}, .blocks = sequence.Addresses(), .tree_blocks = {}});
    for (uint32_t t = 0; t < 8; ++t) batch.outputs.push_back({0, t, false});
    const std::atomic<bool> never = false;
    CHECK((*executor)->Run(batch, sink, never).ok());
    return sink.normed;
  };
  const std::vector<float> mapped = embed(model.plan);
  for (int i = 0; i < 2; ++i) test::CheckSameBits(embed(model.streamed), mapped, model.plan.embedding_length, "bert");
}

TEST(a_run_of_many_tokens_reads_each_layer_once) {
  Model model(test::WriteSmallModel({.layers = 4}, "streamed_layers"));
  REQUIRE(model.Stream(0, 0));
  test::Machine machine(model.streamed, 2);
  kv::Sequence a(machine.cache), b(machine.cache);
  const uint64_t round = model.stream->round_bytes(), ahead = model.stream->buffer_bytes();
  uint64_t rows = 0;  // of the embedding: a page or two for each token
  for (int run = 1; run <= 4; ++run) {
    // Two users, and a tree of guesses.
    std::vector<test::Machine::Part> parts{{&a, test::Tokens(30)}, {&b, test::Tokens(20, 3)}};
    if (run % 2 == 0) parts.push_back({&a, {1, 2, 3}, {-1, 0, 0}});
    if (run % 2 == 0) std::swap(parts[0], parts[2]), parts.pop_back();
    CHECK(!machine.Run(parts).empty());
    rows += 54 * 2 * base::kDirectAlignment;
    const auto n = static_cast<uint64_t>(run);
    CHECK(model.stream->stats().bytes_read <= n * round + ahead);
    CHECK(model.stream->stats().bytes_read >= n * round);
    CHECK(model.reader->bytes <= n * round + ahead + rows);
  }
  // Without a wanted output its head stays unread.
  const uint64_t before = model.stream->stats().bytes_read;
  for (int run = 0; run < 20; ++run) CHECK(machine.Run({{&b, test::Tokens(8)}}, 9).empty());
  const uint64_t logits = (uint64_t{test::kSmallVocabulary} * 256 * 34 / 32 / 4096 + 2) * 4096;
  CHECK(model.stream->stats().bytes_read - before <= 20 * (round - logits / 2) + ahead + round);
}

TEST(the_next_run_is_read_while_nobody_computes) {
  Model model(test::WriteSmallModel({.layers = 4}, "streamed_ahead"));
  REQUIRE(model.Stream(0, 0));
  test::Machine machine(model.streamed, 2);
  kv::Sequence sequence(machine.cache);
  CHECK(!machine.Run({{&sequence, test::Tokens(3)}}).empty());
  // Its first turns go to the memory that the last ones have left: more than one run has read without being asked.
  const uint64_t round = model.stream->round_bytes();
  for (int i = 0; i < 5000 && model.stream->stats().bytes_read <= round; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  CHECK(model.stream->stats().bytes_read > round);
  CHECK(model.stream->stats().bytes_read <= round + model.stream->buffer_bytes());
}

TEST(more_outputs_than_the_head_takes_at_once) {
  Model model(test::WriteSmallModel({}, "streamed_outputs"));
  REQUIRE(model.Stream(2, 0));
  test::CheckSameBits(PrefillAndDecode(model.streamed, 40), PrefillAndDecode(model.plan, 40),
                      model.plan.vocabulary_size, "40 outputs of one run");
}

TEST(kept_turns_that_are_given_up_and_taken_back_leave_the_same_bits) {
  Model model(test::WriteSmallModel({.layers = 4}, "streamed_kept"));
  const std::vector<float> mapped = PrefillAndDecode(model.plan, 24);
  constexpr size_t kKept = 11;
  REQUIRE(model.Stream(kKept, 0));
  const auto check = [&](const std::string& what) {
    test::CheckSameBits(PrefillAndDecode(model.streamed, 24), mapped, model.plan.vocabulary_size, what);
  };
  const uint64_t least = model.stream->round_bytes();
  for (const size_t kept : {kKept, size_t{5}, size_t{0}, size_t{0}, size_t{7}, size_t{3}, kKept + 9}) {
    model.stream->LimitKept(kept);
    CHECK_EQ(model.stream->size().slots, std::min(kept, kKept));
    CHECK(model.stream->size().occupied <= kept);
    check(std::to_string(kept) + " kept");
    // A run has read what was wanted again, and it stayed.
    CHECK_EQ(model.stream->size().occupied, std::min(kept, kKept));
    const uint64_t round = model.stream->round_bytes(), before = model.stream->stats().bytes_read;
    CHECK_EQ(round == least, kept >= kKept);
    check("again");
    // Eight runs, and what is read ahead.
    const uint64_t ahead = model.stream->buffer_bytes() + 4 * model.stream->size().slot_bytes;
    CHECK(model.stream->stats().bytes_read - before <= 8 * round + ahead);
  }
  CHECK_EQ(model.stream->size().most_slots, kKept);
}

TEST(kept_turns_may_come_and_go_at_any_moment) {
  Model model(test::WriteSmallModel({.layers = 4}, "streamed_restless"));
  const std::vector<float> mapped = PrefillAndDecode(model.plan, 24);
  REQUIRE(model.Stream(13, 1 << 18));
  std::atomic<bool> over = false;
  std::thread restless([&] {
    for (uint64_t i = 1; !over; ++i) {
      model.stream->LimitKept(i * 7919 % 15);
      std::this_thread::sleep_for(std::chrono::microseconds(i * 37 % 900));
    }
  });
  for (int i = 0; i < 8; ++i) {
    test::CheckSameBits(PrefillAndDecode(model.streamed, 24), mapped, model.plan.vocabulary_size, "restless");
  }
  over = true;
  restless.join();
}

TEST(a_failing_disk_is_an_error_and_the_next_run_is_right_again) {
  Model model(test::WriteSmallModel({.layers = 3}, "streamed_broken"));
  const std::vector<float> mapped = PrefillAndDecode(model.plan, 24);
  REQUIRE(model.Stream(0, 0));
  auto backend = backend::MakeCpuBackend(2);
  auto executor = backend->Compile(model.streamed);
  REQUIRE(executor.ok());
  kv::Cache cache(model.plan.kv_groups, 8);
  const std::vector<int32_t> tokens = test::Tokens(8);
  const std::atomic<bool> never = false;
  uint64_t failed = 0;
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
    failed += status.ok() ? 0 : 1;
  }
  CHECK(failed > 3);
  model.reader->fail_from = UINT64_MAX;
  test::CheckSameBits(PrefillAndDecode(model.streamed, 24), mapped, model.plan.vocabulary_size, "after failures");
}

TEST(a_stopped_run_ends_and_the_next_is_right) {
  Model model(test::WriteSmallModel({.layers = 6}, "streamed_stopped"));
  const std::vector<float> mapped = PrefillAndDecode(model.plan, 24);
  REQUIRE(model.Stream(1, 0));
  auto backend = backend::MakeCpuBackend(2);
  auto executor = backend->Compile(model.streamed);
  REQUIRE(executor.ok());
  kv::Cache cache(model.plan.kv_groups, 64);
  const std::vector<int32_t> tokens = test::Tokens(400);
  for (int i = 0; i < 5; ++i) {
    kv::Sequence sequence(cache);
    REQUIRE(sequence.Prepare(tokens.size()).ok());
    backend::Batch batch;
    batch.items.push_back({.tokens = tokens, .parents = {}, .blocks = sequence.Addresses(), .tree_blocks = {}});
    batch.outputs.push_back({0, 399, true});
    test::Collect sink;
    std::atomic<bool> stop = i == 0;
    std::thread stopper([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(i));
      stop = true;
    });
    const base::Status status = (*executor)->Run(batch, sink, stop);
    stopper.join();
    CHECK(status.ok() || status.code == base::StatusCode::kCancelled);
    CHECK(i > 0 || !status.ok());
  }
  test::CheckSameBits(PrefillAndDecode(model.streamed, 24), mapped, model.plan.vocabulary_size, "after a stop");
}

ZELL_TEST_MAIN
