// The numerics contract with LoRA adapters: what an item gets does not depend on its neighbours and their adapters, on
// widths, threads or the order in which adapters are named; without one nothing changes.
#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <memory>

#include "backend/backend.h"
#include "backend/plan_rewrite.h"
#include "check.h"
#include "kv/sequence.h"
#include "model/arch/arch.h"
#include "small_model.h"

using namespace zell;
using kernels::LowRankType;
using quant::TensorType;

namespace {

constexpr size_t kVocabulary = test::kSmallVocabulary;
const std::atomic<bool> never = false;

struct Collect final : backend::OutputSink {
  std::vector<float> logits;
  void OnOutput(size_t, std::span<const float>, std::span<const float> row) override {
    logits.insert(logits.end(), row.begin(), row.end());
  }
};

// An adapter for every matrix of a plan and for the embedding: 8 bits beside quantised weights, F16 and F32 in turn
// beside others.
struct RandomAdapter {
  backend::Adapter adapter;
  std::deque<std::vector<uint8_t>> bytes;
  std::map<const uint8_t*, std::vector<float>> values;  ///< what A [rank][cols] or B [rows][rank] at an address means

  RandomAdapter(const backend::Plan& plan, uint32_t id, uint32_t rank) : seed_(id) {
    adapter.id = id;
    adapter.products.resize(plan.weights.size());
    adapter.embeddings.resize(plan.weights.size());
    for (const std::vector<backend::Op>* ops : {&plan.body, &plan.head}) {
      for (const backend::Op& op : *ops) {
        for (const backend::MatmulPart& part : op.parts) {
          const size_t w = static_cast<size_t>(part.weight);
          Add(plan.weights[w], rank, adapter.products[w], false);
        }
        if (op.kind != backend::OpKind::kEmbed) continue;
        const size_t w = static_cast<size_t>(op.weight);
        Add(plan.weights[w], rank, adapter.embeddings[w], true);
      }
    }
  }

 private:
  void Add(const backend::Weight& w, uint32_t rank, backend::LowRank& low, bool embedding) {
    if (low.rank != 0) return;
    low.rank = rank;
    low.factor = 0.7f;
    low.type = w.type != TensorType::kF32 && !embedding ? LowRankType::kInt8
               : w.rows % 3 != 0                        ? LowRankType::kF16
                                                        : LowRankType::kF32;
    const TensorType rows_type = embedding || low.type == LowRankType::kF32 ? TensorType::kF32
                                 : low.type == LowRankType::kF16            ? TensorType::kF16
                                                                            : TensorType::kQ8_0;
    low.a_row_bytes = quant::RowBytes(quant::InfoOf(rows_type), embedding ? rank : w.cols);
    low.a = Rows(rows_type, embedding ? w.rows : rank, embedding ? rank : w.cols);
    low.b = Panels(low.type, embedding ? w.cols : w.rows, rank);
  }
  float Random() {
    seed_ = seed_ * 1664525 + 1013904223;
    return (static_cast<float>(seed_ >> 8) / 8388608.0f - 1.0f) * 0.1f;
  }
  const uint8_t* Rows(TensorType type, size_t rows, size_t cols) {
    std::vector<float> x(rows * cols);
    for (float& v : x) v = Random();
    std::vector<uint8_t>& out = bytes.emplace_back(quant::RowBytes(quant::InfoOf(type), x.size()));
    CHECK(quant::Quantize(type, x.data(), out.data(), x.size()));
    quant::Dequantize(type, out.data(), x.data(), x.size());
    values[out.data()] = std::move(x);
    return out.data();
  }
  const uint8_t* Panels(LowRankType type, size_t rows, size_t rank) {
    const size_t panel_bytes = kernels::LowRankPanelBytes(type, rank), height = kernels::kLowRankRows;
    std::vector<uint8_t>& out = bytes.emplace_back((rows + height - 1) / height * panel_bytes);
    std::vector<float> x(rows * rank);
    for (size_t r = 0; r < rows; ++r) {
      uint8_t* panel = out.data() + r / height * panel_bytes;
      const uint16_t scale = quant::F32ToF16(0.001f);
      if (type == LowRankType::kInt8) std::memcpy(panel + r % height * sizeof scale, &scale, sizeof scale);
      for (size_t j = 0; j < rank; ++j) {
        float& v = x[r * rank + j];
        uint8_t* at = panel + kernels::LowRankScaleBytes(type);
        const size_t index = j * height + r % height;
        v = Random();
        if (type == LowRankType::kF32) {
          std::memcpy(at + index * sizeof v, &v, sizeof v);
        } else if (type == LowRankType::kF16) {
          const uint16_t h = quant::F32ToF16(v);
          std::memcpy(at + index * sizeof h, &h, sizeof h);
          v = quant::F16ToF32(h);
        } else {
          const int8_t q = static_cast<int8_t>(v * 1000);
          at[index] = static_cast<uint8_t>(q);
          v = q * quant::F16ToF32(scale);
        }
      }
    }
    values[out.data()] = std::move(x);
    return out.data();
  }

  uint32_t seed_;
};

class Machine {
 public:
  Machine(const backend::Plan& plan, int threads, const kernels::Kernels& kernels = kernels::ActiveKernels())
      : backend_(backend::MakeCpuBackend(threads, kernels)), cache(plan.kv_groups, 200) {
    auto compiled = backend_->Compile(plan);
    if (compiled.ok()) executor_ = std::move(*compiled);
  }

  struct Part {
    std::vector<int32_t> tokens;
    std::vector<backend::AdapterUse> adapters;
  };

  // Logits of every token of part `wanted`; its tokens in slices of `width` beside those of the others.
  std::vector<float> Run(const std::vector<Part>& parts, size_t wanted = 0, size_t width = 512) {
    std::vector<kv::Sequence> sequences;
    for (size_t p = 0; p < parts.size(); ++p) sequences.emplace_back(cache);
    Collect sink;
    for (size_t done = 0; done < parts[wanted].tokens.size(); done += width) {
      backend::Batch batch;
      std::vector<size_t> used;
      for (size_t p = 0; p < parts.size(); ++p) {
        if (done >= parts[p].tokens.size()) continue;
        backend::BatchItem item;
        item.tokens = std::span(parts[p].tokens).subspan(done, std::min(width, parts[p].tokens.size() - done));
        item.start = sequences[p].length();
        CHECK(sequences[p].Prepare(item.tokens.size()).ok());
        item.blocks = sequences[p].Addresses();
        item.adapters = parts[p].adapters;
        for (size_t t = 0; t < item.tokens.size(); ++t) {
          if (p == wanted)
            batch.outputs.push_back({static_cast<uint32_t>(used.size()), static_cast<uint32_t>(t), true});
        }
        used.push_back(p);
        batch.items.push_back(std::move(item));
      }
      CHECK(executor_->Run(batch, sink, never).ok());
      for (size_t i = 0; i < used.size(); ++i) sequences[used[i]].Commit(batch.items[i].tokens.size());
    }
    return sink.logits;
  }

 private:
  std::unique_ptr<backend::Backend> backend_;
  std::unique_ptr<backend::Executor> executor_;

 public:
  kv::Cache cache;
};

std::vector<int32_t> Tokens(size_t n, uint32_t seed = 7) {
  std::vector<int32_t> tokens;
  for (size_t i = 0; i < n; ++i) {
    seed = seed * 1664525 + 1013904223;
    tokens.push_back(static_cast<int32_t>((seed >> 8) % 256));
  }
  return tokens;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return !a.empty() && a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Model {
  std::shared_ptr<const gguf::File> file;
  backend::Plan plain, fused;

  Model() {
    test::SmallModel small;
    small.type = [](const std::string& name) {
      return name.find("attn_q") != std::string::npos     ? quant::TensorType::kF32
             : name.find("ffn_down") != std::string::npos ? quant::TensorType::kQ4_K
                                                          : quant::TensorType::kQ4_1;
    };
    auto opened = gguf::File::Open(test::WriteSmallModel(small, "adapter_numerics_test"));
    if (!opened.ok()) return;
    file = *opened;
    auto plan = model::BuildPlan(*file);
    if (!plan.ok()) return;
    plain = fused = *plan;
    backend::Fuse(fused);
  }
};

}  // namespace

TEST(an_item_alone_and_beside_others_with_other_adapters_is_the_same) {
  const Model m;
  REQUIRE(m.file != nullptr);
  const RandomAdapter a(m.fused, 1, 8), b(m.fused, 2, 5), c(m.fused, 3, 33);
  const std::vector<backend::AdapterUse> two = {{&a.adapter, 0.5f}, {&c.adapter, -1.0f}};
  for (const kernels::Kernels* k : kernels::SupportedKernels()) {
    // Scalar under sanitizers is slower than all others together.
    const std::vector<int32_t> tokens = Tokens(k->isa == kernels::Isa::kScalar ? 18 : 70);
    Machine one(m.fused, 1, *k);
    const std::vector<float> expected = one.Run({{tokens, two}}), none = one.Run({{tokens, {}}});
    CHECK(!SameBits(expected, none));
    CHECK(std::all_of(expected.begin(), expected.end(), [](float x) { return std::isfinite(x); }));
    for (const int threads : {1, 2, 3}) {
      Machine machine(m.fused, threads, *k);
      for (const size_t width : {1, 3, 35, 70}) CHECK(SameBits(machine.Run({{tokens, two}}, 0, width), expected));
      CHECK(SameBits(machine.Run({{tokens, {{&c.adapter, -1.0f}, {&a.adapter, 0.5f}}}}), expected));
      const std::vector<Machine::Part> beside = {{Tokens(9, 3), {{&c.adapter, 2.0f}, {&b.adapter, 1.0f}}},
                                                 {tokens, two},
                                                 {Tokens(20, 4), {}},
                                                 {Tokens(31, 5), {{&a.adapter, 1.0f}}}};
      for (const size_t width : {1, 7, 70}) CHECK(SameBits(machine.Run(beside, 1, width), expected));
      CHECK(SameBits(machine.Run({{tokens, {}}, {tokens, two}}), none));
    }
  }
}

TEST(fusions_and_each_matrix_count) {
  const Model m;
  REQUIRE(m.file != nullptr);
  const RandomAdapter a(m.fused, 1, 8);
  const std::vector<int32_t> tokens = Tokens(5);
  Machine fused(m.fused, 2), plain(m.plain, 2);
  const std::vector<float> expected = fused.Run({{tokens, {{&a.adapter, 1.0f}}}});
  CHECK(SameBits(plain.Run({{tokens, {{&a.adapter, 1.0f}}}}), expected));
  for (size_t w = 0; w < m.fused.weights.size(); ++w) {
    backend::Adapter less = a.adapter;
    if (less.products[w].rank == 0 && less.embeddings[w].rank == 0) continue;
    less.products[w].rank = less.embeddings[w].rank = 0;
    CHECK(!SameBits(fused.Run({{tokens, {{&less, 1.0f}}}}), expected));
  }
}

TEST(an_adapter_is_the_same_as_the_sum_in_the_weights) {
  // All F32: the model with W + s B A in its file's place gives the same logits up to rounding.
  test::SmallModel small;
  small.type = [](const std::string&) { return quant::TensorType::kF32; };
  auto file = gguf::File::Open(test::WriteSmallModel(small, "adapter_numerics_test"));
  REQUIRE(file.ok());
  auto plan = model::BuildPlan(**file);
  REQUIRE(plan.ok());
  backend::Fuse(*plan);
  RandomAdapter a(*plan, 1, 8);
  // The tied embedding serves as two different matrices here, which a merged file cannot express.
  for (backend::LowRank& low : a.adapter.embeddings) low.rank = 0;
  backend::Plan merged = *plan;
  std::vector<std::vector<float>> sums;
  const size_t embedding = static_cast<size_t>(plan->body[0].weight);
  a.adapter.products[embedding].rank = 0;
  for (size_t w = 0; w < merged.weights.size(); ++w) {
    const backend::LowRank& low = a.adapter.products[w];
    if (low.rank == 0) continue;
    backend::Weight& weight = merged.weights[w];
    const std::vector<float>&a_values = a.values.at(low.a), &b_values = a.values.at(low.b);
    std::vector<float>& sum = sums.emplace_back(weight.rows * weight.cols);
    std::memcpy(sum.data(), weight.data, sum.size() * sizeof(float));
    for (size_t r = 0; r < weight.rows; ++r) {
      for (size_t c = 0; c < weight.cols; ++c) {
        double add = 0;
        for (size_t j = 0; j < low.rank; ++j) {
          add += double(b_values[r * low.rank + j]) * a_values[j * weight.cols + c];
        }
        sum[r * weight.cols + c] += static_cast<float>(-0.5 * low.factor * add);
      }
    }
    weight.data = reinterpret_cast<const uint8_t*>(sum.data());
  }
  const std::vector<int32_t> tokens = Tokens(20);
  Machine machine(*plan, 2), reference(merged, 2);
  const std::vector<float> x = machine.Run({{tokens, {{&a.adapter, -0.5f}}}}), y = reference.Run({{tokens, {}}}),
                           none = machine.Run({{tokens, {}}});
  double off = 0, size = 0, change = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    off = std::max(off, std::fabs(double(x[i]) - y[i]));
    size = std::max(size, std::fabs(double(y[i])));
    change = std::max(change, std::fabs(double(y[i]) - none[i]));
  }
  CHECK(change > 0.1 * size);
  CHECK(off < 1e-4 * size);
}

ZELL_TEST_MAIN
