// zell_layers_bench: decodes with a dense model that is larger than the memory it may use. See kUsage.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <thread>

#include "runtime/engine.h"
#include "stream/reader.h"

namespace {

using namespace zell;

constexpr char kUsage[] =
    "zell_layers_bench MODEL.gguf --limit MIB [--tokens N] [--prompt N] [--readers N]\n"
    "  One sequence of random tokens: a prompt, then N tokens one by one; beside them the disk's own speed, the same\n"
    "  bytes a token read by as many threads and nothing computed, before and after. Hold the disk to a fixed rate\n"
    "  with a control group around the command, or the two may differ by what its host remembers.\n";

const std::atomic<bool> kNever = false;

struct Options {
  std::string model;
  uint64_t limit_mib = 0;
  uint32_t tokens = 8, prompt = 32, readers = 4;
};

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

// Bytes a second of reading `bytes` of the file in order.
base::Result<double> DiskRate(const gguf::File& file, uint64_t bytes, uint32_t readers) {
  auto reader = stream::FileReader::Open(file);
  if (!reader.ok()) return reader.status();
  const uint64_t pieces = std::max<uint64_t>(1, std::min(bytes, file.total_bytes()) / stream::kPieceBytes);
  std::atomic<uint64_t> next = 0;
  std::atomic<bool> failed = false;
  const auto begin = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (uint32_t i = 0; i < readers; ++i) {
    threads.emplace_back([&] {
      stream::DirectBuffer buffer;
      if (!buffer.Allocate(stream::kPieceBytes)) failed = true;
      for (uint64_t p = next++; p < pieces && !failed; p = next++) {
        const std::span<uint8_t> out{buffer.data(), stream::kPieceBytes};
        if (!(*reader)->Read(0, p * stream::kPieceBytes, out).ok()) failed = true;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  if (failed) return base::Status{base::StatusCode::kIo, "the file could not be read"};
  return static_cast<double>(pieces * stream::kPieceBytes) / Seconds(begin);
}

// One step of one sequence, its last token's logits thrown away.
base::Status Evaluate(runtime::Engine& engine, uint32_t sequence, std::vector<int32_t> tokens) {
  std::vector<runtime::StepItem> items(1);
  items[0].sequence = sequence;
  items[0].tokens = std::move(tokens);
  items[0].want.top_logprobs = 1;
  std::promise<base::Status> status;
  const auto done = [&](auto result) { status.set_value(result.ok() ? (*result)[0].status : result.status()); };
  ZELL_RETURN_IF_ERROR(engine.Step(std::move(items), done));
  return status.get_future().get();
}

base::Status Run(const Options& options) {
  runtime::LoadOptions load;
  load.context_length = options.prompt + options.tokens;
  load.max_sequences = 1;
  load.memory_limit = options.limit_mib << 20;
  load.experts.readers = options.readers;
  auto loaded = runtime::Engine::Load(options.model, load, nullptr, kNever);
  if (!loaded.ok()) return loaded.status();
  runtime::Engine& engine = **loaded;
  const runtime::MemoryPlan& plan = engine.summary().memory;
  const auto mb = [](uint64_t bytes) { return static_cast<double>(bytes) / 1e6; };
  std::printf("weights %.0f MB, in memory %.0f MB, read for each step %.0f MB through %.0f MB\n",
              mb(plan.weights_bytes), mb(plan.resident_bytes), mb(plan.streamed_bytes), mb(plan.buffer_bytes));
  const gguf::File& file = *engine.summary().file;
  std::this_thread::sleep_for(std::chrono::milliseconds(500));  // what is read ahead of the first step
  const uint64_t sample = std::max(plan.streamed_bytes, uint64_t{64} << 20);
  const base::Result<double> before = DiskRate(file, sample, options.readers);
  if (!before.ok()) return before.status();

  const auto token = [n = engine.summary().vocabulary_size](uint32_t i) {
    return static_cast<int32_t>((uint64_t{i} * 2654435761u >> 7) % n);
  };
  std::vector<int32_t> prompt;
  for (uint32_t i = 0; i < options.prompt; ++i) prompt.push_back(token(i));
  const uint32_t sequence = engine.CreateSequence();
  auto begin = std::chrono::steady_clock::now();
  ZELL_RETURN_IF_ERROR(Evaluate(engine, sequence, std::move(prompt)));
  std::printf("prompt %.2f tokens/s\n", options.prompt / Seconds(begin));
  const auto read = [&] { return engine.LayerStats() ? engine.LayerStats()->bytes_read : 0; };
  const uint64_t first = read();
  begin = std::chrono::steady_clock::now();
  for (uint32_t i = 0; i < options.tokens; ++i) {
    ZELL_RETURN_IF_ERROR(Evaluate(engine, sequence, {token(options.prompt + i)}));
  }
  const double seconds = Seconds(begin);
  const uint64_t bytes = read() - first;
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const base::Result<double> after = DiskRate(file, sample, options.readers);
  if (!after.ok()) return after.status();
  std::printf("decode %.3f tokens/s", options.tokens / seconds);
  if (bytes > 0) {
    const double disk = (*before + *after) / 2;
    const double limit = disk / static_cast<double>(plan.streamed_bytes);
    std::printf(", %.0f MB/s read; disk alone %.0f and %.0f MB/s, so at most %.3f tokens/s: %.3f of it",
                mb(bytes) / seconds, *before / 1e6, *after / 1e6, limit, options.tokens / seconds / limit);
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
    if (name == "--limit") {
      options.limit_mib = number();
    } else if (name == "--tokens") {
      options.tokens = static_cast<uint32_t>(number());
    } else if (name == "--prompt") {
      options.prompt = static_cast<uint32_t>(number());
    } else if (name == "--readers") {
      options.readers = static_cast<uint32_t>(number());
    } else {
      options.model = name;
    }
  }
  const bool sane = !options.model.empty() && options.tokens > 0 && options.prompt > 0 && options.readers > 0 &&
                    options.readers <= 64 && options.limit_mib < uint64_t{1} << 30;
  if (!sane || options.model.starts_with("-")) {
    std::fputs(kUsage, stderr);
    return 1;
  }
  const base::Status status = Run(options);
  if (!status.ok()) std::fprintf(stderr, "%s\n", status.message.c_str());
  return status.ok() ? 0 : 1;
}
