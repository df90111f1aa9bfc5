// Runs plans on the CPU backend for tests: batches of sequences and trees, all logits.
#pragma once

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "backend/backend.h"
#include "check.h"
#include "kv/sequence.h"

namespace zell::test {

// Logits of all outputs in order.
struct Collect final : backend::OutputSink {
  std::vector<float> logits;
  void OnOutput(size_t, std::span<const float>, std::span<const float> row) override {
    logits.insert(logits.end(), row.begin(), row.end());
  }
};

// One executor with its KV cache.
class Machine {
 public:
  Machine(const backend::Plan& plan, int threads, const kernels::Kernels& kernels = kernels::ActiveKernels())
      : backend_(backend::MakeCpuBackend(threads, kernels)), cache(plan.kv_groups, 200) {
    auto compiled = backend_->Compile(plan);
    if (compiled.ok()) executor_ = std::move(*compiled);
  }

  struct Part {
    kv::Sequence* sequence;
    std::vector<int32_t> tokens;
    std::vector<int32_t> parents = {};
  };

  // One batch, logits of every token of the part `wanted` (-1: of none).
  std::vector<float> Run(const std::vector<Part>& parts, size_t wanted = 0) {
    backend::Batch batch;
    std::vector<kv::Sequence> trees;
    trees.reserve(parts.size());
    for (size_t p = 0; p < parts.size(); ++p) {
      const Part& part = parts[p];
      backend::BatchItem item;
      item.tokens = part.tokens;
      item.parents = part.parents;
      item.start = part.sequence->length();
      if (part.parents.empty()) {
        CHECK(part.sequence->Prepare(part.tokens.size()).ok());
      } else {
        trees.emplace_back(cache);
        CHECK(trees.back().Prepare(part.tokens.size()).ok());
        item.tree_blocks = trees.back().Addresses();
      }
      item.blocks = part.sequence->Addresses();
      batch.items.push_back(std::move(item));
      for (size_t t = 0; p == wanted && t < part.tokens.size(); ++t) {
        batch.outputs.push_back({static_cast<uint32_t>(p), static_cast<uint32_t>(t), true});
      }
    }
    Collect sink;
    CHECK(executor_->Run(batch, sink, never_).ok());
    for (const Part& part : parts) {
      if (part.parents.empty()) part.sequence->Commit(part.tokens.size());
    }
    return sink.logits;
  }

  // All tokens in slices of `width`.
  std::vector<float> Prefill(kv::Sequence& sequence, const std::vector<int32_t>& tokens, size_t width) {
    std::vector<float> logits;
    for (size_t i = 0; i < tokens.size(); i += width) {
      const auto end = tokens.begin() + static_cast<std::ptrdiff_t>(std::min(tokens.size(), i + width));
      const auto slice = Run({{&sequence, {tokens.begin() + static_cast<std::ptrdiff_t>(i), end}}});
      logits.insert(logits.end(), slice.begin(), slice.end());
    }
    return logits;
  }

 private:
  std::unique_ptr<backend::Backend> backend_;
  std::unique_ptr<backend::Executor> executor_;
  const std::atomic<bool> never_ = false;

 public:
  kv::Cache cache;
};

// Random ones below 256.
inline std::vector<int32_t> Tokens(size_t n, uint32_t seed = 7) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < n; ++i) {
    seed = seed * 1664525 + 1013904223;
    tokens.push_back(static_cast<int32_t>((seed >> 8) % 256));
  }
  return tokens;
}

inline void CheckSameBits(const std::vector<float>& a, const std::vector<float>& b, size_t vocabulary,
                          const std::string& what) {
  if (a.size() != b.size() || a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) != 0) {
    size_t i = 0;
    while (i < std::min(a.size(), b.size()) && std::memcmp(&a[i], &b[i], sizeof(float)) == 0) ++i;
    CHECK_EQ(what,
             "differs at token " + std::to_string(i / vocabulary) + " of " + std::to_string(a.size() / vocabulary));
  }
}

}  // namespace zell::test
