// zell_oversized_bench: decodes with a mixture whose experts come from the disk, or from the mapped file. See kUsage.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "backend/plan_rewrite.h"
#include "base/memory_info.h"
#include "kv/sequence.h"
#include "model/arch/arch.h"
#include "stream/store.h"
#include "stream/trunk.h"

namespace {

using namespace zell;

constexpr char kUsage[] =
    "zell_oversized_bench MODEL.gguf [--cache MIB | --mapped] [--tokens N] [--prompt N] [--readers N] [--seed N]\n"
    "  One sequence of random tokens: a prompt, then N tokens one by one. --cache: memory for experts. --mapped: all\n"
    "  weights from the mapped file, as llama.cpp does. Hold memory down with a control group around the command.\n";

const std::atomic<bool> kNever = false;

struct Options {
  std::string model;
  uint64_t cache_mib = 1024;
  bool mapped = false;
  uint32_t tokens = 64, prompt = 32, readers = 4, seed = 1;
};

struct Ignore final : backend::OutputSink {
  void OnOutput(size_t, std::span<const float>, std::span<const float>) override {}
};

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

base::Status Evaluate(backend::Executor& executor, kv::Sequence& sequence, std::span<const int32_t> tokens) {
  ZELL_RETURN_IF_ERROR(sequence.Prepare(tokens.size()));
  backend::Batch batch;
  backend::BatchItem item;
  item.tokens = tokens;
  item.start = sequence.length();
  item.blocks = sequence.Addresses();
  batch.items.push_back(std::move(item));
  batch.outputs.push_back({0, static_cast<uint32_t>(tokens.size() - 1), true});
  Ignore sink;
  ZELL_RETURN_IF_ERROR(executor.Run(batch, sink, kNever));
  sequence.Commit(tokens.size());
  return base::Status::Ok();
}

base::Status Run(const Options& options) {
  auto file = gguf::File::Open(options.model);
  if (!file.ok()) return file.status();
  auto plan = model::BuildPlan(**file);
  if (!plan.ok()) return plan.status();
  backend::Fuse(*plan);
  auto banks = stream::FindBanks(*plan, **file);
  if (!banks.ok()) return banks.status();
  stream::DirectBuffer trunk;
  std::unique_ptr<stream::ExpertStore> store;
  if (!options.mapped) {
    auto reader = stream::FileReader::Open(**file);
    if (!reader.ok()) return reader.status();
    auto rest = stream::ReadTrunk(*plan, **file, **reader, stream::RoutedWeights(*plan), nullptr, kNever);
    if (!rest.ok()) return rest.status();
    trunk = std::move(*rest);
    auto created = stream::ExpertStore::Create(std::move(*banks), std::move(*reader), options.cache_mib << 20,
                                               static_cast<int>(options.readers));
    if (!created.ok()) return created.status();
    store = std::move(*created);
    plan->experts = store.get();
  }
  auto backend = backend::MakeCpuBackend(base::PhysicalCores());
  auto executor = backend->Compile(*plan);
  if (!executor.ok()) return executor.status();
  kv::Cache cache(plan->kv_groups, kv::BlocksFor(options.prompt + options.tokens));
  kv::Sequence sequence(cache);
  std::vector<int32_t> tokens;
  uint64_t random = options.seed;
  for (uint32_t i = 0; i < options.prompt + options.tokens; ++i) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    tokens.push_back(static_cast<int32_t>((random >> 33) % plan->vocabulary_size));
  }
  const auto stats = [&] { return store ? store->stats() : stream::StoreStats{}; };
  auto begin = std::chrono::steady_clock::now();
  ZELL_RETURN_IF_ERROR(Evaluate(**executor, sequence, std::span(tokens).first(options.prompt)));
  std::printf("prompt %.2f tokens/s, %.0f MB read\n", options.prompt / Seconds(begin),
              static_cast<double>(stats().bytes_read) / 1e6);
  const stream::StoreStats before = stats();
  begin = std::chrono::steady_clock::now();
  for (uint32_t i = options.prompt; i < tokens.size(); ++i) {
    ZELL_RETURN_IF_ERROR(Evaluate(**executor, sequence, std::span(tokens).subspan(i, 1)));
  }
  const double seconds = Seconds(begin);
  const stream::StoreStats after = stats();
  const uint64_t hits = after.hits - before.hits, misses = after.misses - before.misses;
  const double read = static_cast<double>(after.bytes_read - before.bytes_read);
  std::printf("decode %.2f tokens/s", options.tokens / seconds);
  if (store) {
    std::printf(", %llu of %llu experts in memory, %.1f %% hits, %.1f MB a token at %.0f MB/s",
                static_cast<unsigned long long>(store->size().slots),
                static_cast<unsigned long long>(store->size().experts),
                100.0 * static_cast<double>(hits) / static_cast<double>(std::max<uint64_t>(1, hits + misses)),
                read / 1e6 / options.tokens, read / 1e6 / seconds);
    std::printf(
        ", %.2f of guesses right, %.2f of misses foretold",
        static_cast<double>(after.right_guesses - before.right_guesses) /
            static_cast<double>(std::max<uint64_t>(1, after.guesses - before.guesses)),
        static_cast<double>(after.foretold - before.foretold) / static_cast<double>(std::max<uint64_t>(1, misses)));
  }
  std::printf("\n");
  return base::Status::Ok();
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (name == "--mapped") {
      options.mapped = true;
    } else if (name == "--cache") {
      options.cache_mib = number();
    } else if (name == "--tokens") {
      options.tokens = static_cast<uint32_t>(number());
    } else if (name == "--prompt") {
      options.prompt = static_cast<uint32_t>(number());
    } else if (name == "--readers") {
      options.readers = static_cast<uint32_t>(number());
    } else if (name == "--seed") {
      options.seed = static_cast<uint32_t>(number());
    } else {
      options.model = name;
    }
  }
  const bool sane = !options.model.empty() && options.tokens > 0 && options.prompt > 0 && options.prompt <= 512 &&
                    options.cache_mib < uint64_t{1} << 30;
  if (!sane || options.model.starts_with("-")) {
    std::fputs(kUsage, stderr);
    return 1;
  }
  const base::Status status = Run(options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message.c_str());
  return status.ok() ? 0 : 1;
}
