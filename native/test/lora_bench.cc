// What an active LoRA adapter costs: prefill and decode with and without one in turn, one JSON line: without, with, how
// many times as long. zell_lora_bench MODEL.gguf [RANK [ROUNDS [THREADS]]]; built on demand: cmake --build BUILD
// --target zell_lora_bench
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "base/os.h"
#include "random_adapter.h"
#include "runtime/engine.h"

namespace zell::test {
namespace {

using runtime::Engine;

constexpr size_t kPrompt = 512;
// Decoding alternates in bursts, so that what else runs on the machine meets both sides alike.
constexpr size_t kBursts = 8, kBurstTokens = 8;

/// Milliseconds: of the prompt, of one token.
struct Times {
  std::vector<double> prefill, decode;
};

/// A conversation with the adapter or without it.
class Conversation {
 public:
  Conversation(Engine& engine, bool adapted) : engine_(engine) {
    item_.sequence = engine.CreateSequence();
    for (size_t i = 0; i < kPrompt; ++i) item_.tokens.push_back(static_cast<int32_t>(10 + i * 37 % 200));
    if (adapted) item_.adapters = {{0, 1.0f}};
    item_.want.top_logprobs = 1;
  }
  ~Conversation() { engine_.FreeSequence(item_.sequence); }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  bool ok() const { return ok_; }
  void Prefill(Times& times) {
    times.prefill.push_back(Step());
    item_.tokens = {17};
  }
  void Decode(Times& times) {
    for (size_t i = 0; i < kBurstTokens; ++i) times.decode.push_back(Step());
  }

 private:
  double Step() {
    std::promise<bool> done;
    const auto start = std::chrono::steady_clock::now();
    const base::Status started =
        engine_.Step({item_}, [&](auto results) { done.set_value(results.ok() && results->front().status.ok()); });
    if (!started.ok()) done.set_value(false);
    ok_ = done.get_future().get() && ok_;
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  }

  Engine& engine_;
  runtime::StepItem item_;
  bool ok_ = true;
};

/// One prompt each and some tokens behind it. False when a step fails.
bool Measure(Engine& engine, Times& plain, Times& adapted) {
  Conversation without(engine, false), with(engine, true);
  without.Prefill(plain);
  with.Prefill(adapted);
  for (size_t burst = 0; burst < kBursts; ++burst) {
    without.Decode(plain);
    with.Decode(adapted);
  }
  return without.ok() && with.ok();
}

double Median(std::vector<double> ms) {
  std::nth_element(ms.begin(), ms.begin() + static_cast<ptrdiff_t>(ms.size() / 2), ms.end());
  return ms[ms.size() / 2];
}

/// What other programs disturbed least.
double Least(const std::vector<double>& ms) { return *std::min_element(ms.begin(), ms.end()); }

int Run(const std::string& model, uint32_t rank, int rounds, uint32_t threads) {
  const std::atomic<bool> never{false};
  auto engine = Engine::Load(model, {.threads = threads}, nullptr, never);
  const auto file = gguf::File::Open(model);
  if (!engine.ok() || !file.ok()) {
    std::fprintf(stderr, "%s\n", (engine.ok() ? file.status() : engine.status()).message.c_str());
    return 1;
  }
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("zell-lora-bench-" + std::to_string(base::ProcessId()) + ".gguf");
  RandomAdapterFile random;
  random.rank = rank;
  base::Status status = WriteRandomAdapter(**file, path.string(), random);
  if (status.ok()) status = (*engine)->LoadAdapter(path.string()).status();
  std::filesystem::remove(path);
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.message.c_str());
    return 1;
  }
  Times plain, adapted, warm;
  bool ok = Measure(**engine, warm, warm);
  for (int round = 0; round < rounds; ++round) ok = Measure(**engine, plain, adapted) && ok;
  const auto print = [](const char* name, double without, double with) {
    std::printf(",\"%s\":[%.3f,%.3f,%.3f]", name, without, with, with / without);
  };
  std::printf("{\"rank\":%u,\"threads\":%u", rank, threads);
  print("prefillLeastMs", Least(plain.prefill), Least(adapted.prefill));
  print("decodeLeastMs", Least(plain.decode), Least(adapted.decode));
  print("decodeMedianMs", Median(plain.decode), Median(adapted.decode));
  std::printf("}\n");
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace zell::test

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("zell_lora_bench MODEL.gguf [RANK [ROUNDS [THREADS]]]\n", stderr);
    return 2;
  }
  return zell::test::Run(argv[1], argc > 2 ? static_cast<uint32_t>(std::atoi(argv[2])) : 16,
                         argc > 3 ? std::max(1, std::atoi(argv[3])) : 9,
                         argc > 4 ? static_cast<uint32_t>(std::max(1, std::atoi(argv[4]))) : 2);
}
