// zell_routing: which experts a mixture's text goes to, and what caches of several sizes would hit. See kUsage.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "backend/backend.h"
#include "backend/plan_rewrite.h"
#include "base/memory_info.h"
#include "hit_rates.h"
#include "kv/sequence.h"
#include "model/arch/arch.h"
#include "model/vocabulary.h"
#include "stream/store.h"
#include "stream/trunk.h"

namespace {

using namespace zell;

constexpr char kUsage[] =
    "zell_routing MODEL.gguf --warm FILE --text FILE [--warm-tokens N] [--tokens N] [--cache MIB] [--slots N,N,…]\n"
    "  Evaluates the first tokens of one text and then, on an empty context, those of the other, one by one, and "
    "prints\n"
    "  a JSON line: how habitual the second text's routing is, and for each number of experts in memory what is hit\n"
    "  of it by forgetting the oldest, by our policy and by knowing the future. --cache: memory for experts "
    "meanwhile.\n";

const std::atomic<bool> kNever = false;

struct Options {
  std::string model, warm, text;
  size_t warm_tokens = 32, tokens = 64;
  uint64_t cache_mib = 4096;
  std::vector<size_t> slots;
};

/// Passes everything on and writes down who is used, and how much of it was guessed a layer before.
class Recorder final : public backend::ExpertSource {
 public:
  explicit Recorder(backend::ExpertSource& inner) : inner_(inner) {}
  const test::Trace& trace() const { return trace_; }
  /// Share of uses that were among the likeliest of the guess, as many as are used; 0 without guesses.
  double guessed() const { return static_cast<double>(right_) / static_cast<double>(std::max<size_t>(guessed_, 1)); }

  bool WantsGuesses() const override { return true; }
  void Expect(uint32_t routing, std::span<const backend::ExpertUse> guess) override {
    expected_for_ = routing;
    expected_.assign(guess.begin(), guess.end());
  }

  void Begin(uint32_t routing, std::span<const backend::ExpertUse> uses, uint32_t tokens) override {
    trace_.emplace_back();
    for (const backend::ExpertUse& use : uses) trace_.back().push_back(use.expert);
    expected_.resize(std::min(expected_.size(), uses.size()));
    if (!expected_.empty() && expected_for_ == routing) guessed_ += uses.size();
    for (const backend::ExpertUse& guess : expected_) {
      const auto is_it = [&](const backend::ExpertUse& use) { return use.expert == guess.expert; };
      right_ += expected_for_ == routing && std::any_of(uses.begin(), uses.end(), is_it);
    }
    expected_.clear();
    inner_.Begin(routing, uses, tokens);
  }
  bool Take(uint32_t stage, uint32_t index, const std::atomic<bool>& stop, backend::ReadyExpert* ready) override {
    return inner_.Take(stage, index, stop, ready);
  }
  void Done(uint32_t stage, uint32_t index, uint32_t tasks) override { inner_.Done(stage, index, tasks); }
  void AwaitLast(uint32_t routing, uint32_t stage, const std::atomic<bool>& stop) override {
    inner_.AwaitLast(routing, stage, stop);
  }
  bool failed() const override { return inner_.failed(); }
  base::Status End() override { return inner_.End(); }

 private:
  backend::ExpertSource& inner_;
  test::Trace trace_;
  std::vector<backend::ExpertUse> expected_;
  uint32_t expected_for_ = 0;
  size_t guessed_ = 0, right_ = 0;
};

struct Ignore final : backend::OutputSink {
  void OnOutput(size_t, std::span<const float>, std::span<const float>) override {}
};

base::Status Evaluate(backend::Executor& executor, kv::Sequence& sequence, int32_t token) {
  ZELL_RETURN_IF_ERROR(sequence.Prepare(1));
  backend::Batch batch;
  backend::BatchItem item;
  item.tokens = std::span(&token, 1);
  item.start = sequence.length();
  item.blocks = sequence.Addresses();
  batch.items.push_back(std::move(item));
  batch.outputs.push_back({0, 0, true});
  Ignore sink;
  ZELL_RETURN_IF_ERROR(executor.Run(batch, sink, kNever));
  sequence.Commit(1);
  return base::Status::Ok();
}

void Print(const Recorder& recorder, const Options& options, uint32_t banks, uint32_t experts, double expert_bytes) {
  const test::Trace& trace = recorder.trace();
  const size_t from = options.warm_tokens * banks;
  const test::Trace counted(trace.begin() + static_cast<ptrdiff_t>(from), trace.end());
  const test::TraceHabits habits = test::HabitsOf(counted, banks, experts);
  std::printf(
      "{\"banks\": %u, \"experts\": %u, \"used\": %zu, \"expertBytes\": %.0f, \"again\": %.4f, "
      "\"favourites\": %.4f, \"guessed\": %.4f, \"caches\": [",
      banks, experts, trace.front().size(), expert_bytes, habits.again, habits.favourites, recorder.guessed());
  for (size_t i = 0; i < options.slots.size(); ++i) {
    const test::HitRates rates =
        test::CompareHitRates(trace, {.banks = banks, .experts = experts, .counted_from = from}, options.slots[i]);
    std::printf("%s{\"slots\": %zu, \"lru\": %.4f, \"policy\": %.4f, \"belady\": %.4f}", i == 0 ? "" : ", ",
                options.slots[i], rates.lru, rates.ours, rates.belady);
  }
  std::printf("]}\n");
}

base::Status Run(const Options& options) {
  auto file = gguf::File::Open(options.model);
  if (!file.ok()) return file.status();
  auto plan = model::BuildPlan(**file);
  if (!plan.ok()) return plan.status();
  backend::Fuse(*plan);
  auto banks = stream::FindBanks(*plan, **file);
  if (!banks.ok()) return banks.status();
  const auto count = static_cast<uint32_t>(banks->size());
  if (count == 0) return {base::StatusCode::kInvalidRequest, options.model + " is no mixture of experts."};
  const uint32_t experts = banks->front().experts();
  const double expert_bytes =
      static_cast<double>(stream::ExpertBytes(*banks)) / static_cast<double>(stream::CountExperts(*banks));
  auto spec = model::ReadVocabulary(**file);
  if (!spec.ok()) return spec.status();
  auto tokenizer = tokenizer::Tokenizer::Create(std::move(*spec));
  if (!tokenizer.ok()) return tokenizer.status();
  auto reader = stream::FileReader::Open(**file);
  if (!reader.ok()) return reader.status();
  auto trunk = stream::ReadTrunk(*plan, **file, **reader, stream::RoutedWeights(*plan), nullptr, kNever);
  if (!trunk.ok()) return trunk.status();
  auto store = stream::ExpertStore::Create(std::move(*banks), std::move(*reader), options.cache_mib << 20, 4);
  if (!store.ok()) return store.status();
  Recorder recorder(**store);
  plan->experts = &recorder;
  auto backend = backend::MakeCpuBackend(base::PhysicalCores());
  auto executor = backend->Compile(*plan);
  if (!executor.ok()) return executor.status();
  kv::Cache cache(plan->kv_groups, 2 * kv::BlocksFor(std::max(options.warm_tokens, options.tokens)));
  for (const auto& [path, tokens] : {std::pair{options.warm, options.warm_tokens}, {options.text, options.tokens}}) {
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto ids = (*tokenizer)->Encode(text, false);
    if (ids.empty()) return {base::StatusCode::kInvalidRequest, path + " holds no text."};
    kv::Sequence sequence(cache);
    for (size_t i = 0; i < tokens; ++i) ZELL_RETURN_IF_ERROR(Evaluate(**executor, sequence, ids[i % ids.size()]));
  }
  Print(recorder, options, count, experts, expert_bytes);
  return base::Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    const char* const value = name.starts_with("--") && i + 1 < argc ? argv[++i] : "";
    if (name == "--warm") {
      options.warm = value;
    } else if (name == "--text") {
      options.text = value;
    } else if (name == "--warm-tokens") {
      options.warm_tokens = std::strtoull(value, nullptr, 10);
    } else if (name == "--tokens") {
      options.tokens = std::strtoull(value, nullptr, 10);
    } else if (name == "--cache") {
      options.cache_mib = std::strtoull(value, nullptr, 10);
    } else if (name == "--slots") {
      std::istringstream list(value);
      for (std::string each; std::getline(list, each, ',');) {
        options.slots.push_back(std::strtoull(each.c_str(), nullptr, 10));
      }
    } else {
      options.model = name;
    }
  }
  const bool sane = !options.model.empty() && !options.warm.empty() && !options.text.empty() && options.tokens > 0 &&
                    options.tokens + options.warm_tokens <= 4096 && options.cache_mib < uint64_t{1} << 30;
  if (!sane) {
    std::fputs(kUsage, stderr);
    return 1;
  }
  const base::Status status = Run(options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message.c_str());
  return status.ok() ? 0 : 1;
}
