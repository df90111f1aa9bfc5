// A small model's engine for tests, and its steps as plain calls.
#pragma once

#include <future>

#include "check.h"
#include "runtime/engine.h"
#include "small_model.h"

namespace zell::test {

using runtime::Engine;
using runtime::StepItem;
using runtime::StepOutput;

inline const std::atomic<bool> kNever = false;

/// `file`: each test program has its own, since they run side by side.
inline std::unique_ptr<Engine> Load(const SmallModel& small = {}, runtime::LoadOptions options = {.threads = 2},
                                    const std::string& file = "engine_test") {
  auto engine = Engine::Load(WriteSmallModel(small, file), options, nullptr, kNever);
  if (!engine.ok()) Fail(__FILE__, __LINE__, engine.status().message);
  return engine.ok() ? std::move(*engine) : nullptr;
}

inline std::vector<StepOutput> Step(Engine& engine, std::vector<StepItem> items) {
  std::promise<std::vector<StepOutput>> promise;
  const base::Status status =
      engine.Step(std::move(items), [&](auto result) { promise.set_value(std::move(*result)); });
  if (!status.ok()) {
    Fail(__FILE__, __LINE__, status.message);
    return {};
  }
  return promise.get_future().get();
}

inline StepItem Item(uint32_t sequence, std::vector<int32_t> tokens, runtime::Want want = {}) {
  return {.sequence = sequence,
          .tokens = std::move(tokens),
          .parents = {},
          .adapters = {},
          .draft = 0,
          .want = std::move(want)};
}

inline std::vector<int32_t> Tokens(size_t n) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < n; ++i) tokens.push_back(static_cast<int32_t>((i * 37 + 11) % 256));
  return tokens;
}

inline const sampling::SamplerParams kGreedy{.temperature = 0, .top_k = 0, .top_p = 1, .min_p = 0, .logit_bias = {}};

}  // namespace zell::test
