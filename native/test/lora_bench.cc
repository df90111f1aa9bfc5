// What an active LoRA adapter costs: prefill and decode with and without one in turn, one JSON line.
// zell_lora_bench MODEL.gguf [RANK [ROUNDS]]; built on demand: cmake --build BUILD --target zell_lora_bench
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

constexpr size_t kPrompt = 512, kDecoded = 24;

struct Times {
  std::vector<double> prefill, decode;  ///< milliseconds: of the prompt, of one token
};

/// One prompt and some tokens behind it. False when a step fails.
bool Measure(Engine& engine, bool adapted, Times* times) {
  runtime::StepItem item;
  item.sequence = engine.CreateSequence();
  for (size_t i = 0; i < kPrompt; ++i) item.tokens.push_back(static_cast<int32_t>(10 + i * 37 % 200));
  if (adapted) item.adapters = {{0, 1.0f}};
  item.want.top_logprobs = 1;
  bool ok = true;
  const auto step = [&] {
    std::promise<bool> done;
    const auto start = std::chrono::steady_clock::now();
    const base::Status started =
        engine.Step({item}, [&](auto results) { done.set_value(results.ok() && results->front().status.ok()); });
    if (!started.ok()) done.set_value(false);
    ok = done.get_future().get() && ok;
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  };
  times->prefill.push_back(step());
  item.tokens = {17};
  for (size_t i = 0; i < kDecoded; ++i) times->decode.push_back(step());
  engine.FreeSequence(item.sequence);
  return ok;
}

/// What other programs disturbed least.
double Least(const std::vector<double>& ms) { return *std::min_element(ms.begin(), ms.end()); }

int Run(const std::string& model, uint32_t rank, int rounds) {
  const std::atomic<bool> never{false};
  auto engine = Engine::Load(model, {.threads = 2}, nullptr, never);
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
  bool ok = Measure(**engine, true, &warm);
  for (int round = 0; round < rounds; ++round) {
    ok = Measure(**engine, false, &plain) && Measure(**engine, true, &adapted) && ok;
  }
  const double prefill = Least(plain.prefill), with = Least(adapted.prefill);
  const double decode = Least(plain.decode), decode_with = Least(adapted.decode);
  std::printf(
      "{\"rank\":%u,\"prefillMs\":[%.2f,%.2f],\"prefillTimes\":%.3f,\"decodeMs\":[%.3f,%.3f],\"decodeTimes\":%.3f}\n",
      rank, prefill, with, with / prefill, decode, decode_with, decode_with / decode);
  return ok ? 0 : 1;
}

}  // namespace
}  // namespace zell::test

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("zell_lora_bench MODEL.gguf [RANK [ROUNDS]]\n", stderr);
    return 2;
  }
  return zell::test::Run(argv[1], argc > 2 ? static_cast<uint32_t>(std::atoi(argv[2])) : 16,
                         argc > 3 ? std::max(1, std::atoi(argv[3])) : 9);
}
