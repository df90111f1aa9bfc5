// Steps and whole chains against llama.cpp's samplers: the same candidates in, the same kept and the same
// probabilities. What they draw differs, since their generators do.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "check.h"
#include "sampling/random.h"
#include "sampling/sampler.h"

#if !defined(_WIN32)
#include <dlfcn.h>

namespace zell::sampling {
namespace {

// The oracle's declarations, as far as they are needed.
struct TokenData {
  int32_t id;
  float logit, p;
};
struct TokenArray {
  TokenData* data;
  size_t size;
  int64_t selected;
  bool sorted;
};
struct ChainParams {
  bool no_perf;
};
using Theirs = void*;

/// nullptr when there is no oracle. Never closed.
void* Oracle() {
  static void* const library = []() -> void* {
    const char* named = std::getenv("ZELL_ORACLE_DIR");
    const std::filesystem::path folder = named != nullptr ? std::filesystem::path(named)
                                                          : std::filesystem::path(ZELL_SOURCE_ROOT) /
                                                                "node_modules/@node-llama-cpp/linux-x64/bins/linux-x64";
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("libllama.") && name.find(".so") != std::string::npos) {
        return ::dlopen(entry.path().c_str(), RTLD_NOW | RTLD_LOCAL);
      }
    }
    return nullptr;
  }();
  return library;
}

template <typename Result, typename... Arguments>
Result Call(const char* name, Arguments... arguments) {
  const auto function = reinterpret_cast<Result (*)(Arguments...)>(::dlsym(Oracle(), name));
  if (function == nullptr) {
    test::Fail(__FILE__, __LINE__, std::string("the oracle lacks ") + name);
    return Result();
  }
  return function(arguments...);
}

constexpr int32_t kVocabulary = 500;

Theirs Make(Step step, const SamplerParams& p) {
  const size_t least = p.min_keep;
  switch (step) {
    case Step::kPenalties:
      return Call<Theirs>("llama_sampler_init_penalties", kVocabulary, p.repeat_last_n, p.repeat_penalty,
                          p.frequency_penalty, p.presence_penalty);
    case Step::kDry:
      return Call<Theirs>("llama_sampler_init_dry", static_cast<const void*>(nullptr), p.dry.multiplier, p.dry.base,
                          p.dry.allowed_length, p.dry.last_n, static_cast<const char**>(nullptr), size_t{0});
    case Step::kTopNSigma:
      return Call<Theirs>("llama_sampler_init_top_n_sigma", p.top_n_sigma);
    case Step::kTopK:
      return Call<Theirs>("llama_sampler_init_top_k", p.top_k);
    case Step::kTypical:
      return Call<Theirs>("llama_sampler_init_typical", p.typical_p, least);
    case Step::kTopP:
      return Call<Theirs>("llama_sampler_init_top_p", p.top_p, least);
    case Step::kMinP:
      return Call<Theirs>("llama_sampler_init_min_p", p.min_p, least);
    case Step::kXtc:
      return Call<Theirs>("llama_sampler_init_xtc", p.xtc_probability, p.xtc_threshold, least, uint32_t{1});
    case Step::kTemperature:
      return Call<Theirs>("llama_sampler_init_temp_ext", p.temperature, p.dynamic_range, p.dynamic_exponent);
    case Step::kInfill:
    case Step::kAdaptive:
      break;
  }
  return nullptr;
}

using Kept = std::map<int32_t, double>;

Kept TheirChoice(const std::vector<Theirs>& samplers, const std::vector<int32_t>& history,
                 const std::vector<float>& row) {
  std::vector<TokenData> data;
  for (size_t i = 0; i < row.size(); ++i) data.push_back({static_cast<int32_t>(i), row[i], 0});
  TokenArray all{data.data(), data.size(), -1, false};
  for (const Theirs sampler : samplers) {
    for (const int32_t token : history) Call<void*>("llama_sampler_accept", sampler, token);
    Call<void*>("llama_sampler_apply", sampler, &all);
    Call<void*>("llama_sampler_free", sampler);
  }
  double max = -1e300, sum = 0;
  for (size_t i = 0; i < all.size; ++i) max = std::max(max, double{all.data[i].logit});
  Kept kept;
  for (size_t i = 0; i < all.size; ++i) {
    const double weight = std::exp(all.data[i].logit - max);
    if (weight > 0) sum += kept[all.data[i].id] = weight;
  }
  for (auto& [id, p] : kept) p /= sum;
  return kept;
}

Kept OurChoice(const SamplerParams& p, const std::vector<int32_t>& history, const std::vector<float>& row) {
  Sampler sampler(p);
  for (const int32_t token : history) sampler.Accept(token);
  sampler.Sample(row);
  Kept kept;
  for (const TokenProbability& t : sampler.TopKept(row.size())) kept[t.token] = std::exp(double{t.logprob});
  return kept;
}

/// Theirs sum in float: a candidate on the border may fall to either side, so probabilities may be off by about one's.
double Distance(const Kept& a, const Kept& b) {
  double distance = 0;
  for (const auto& [id, p] : a) distance += std::abs(p - (b.contains(id) ? b.at(id) : 0.0));
  for (const auto& [id, p] : b) distance += a.contains(id) ? 0.0 : p;
  return distance;
}

struct Trials {
  internal::Random random;
  float Between(double low, double high) { return static_cast<float>(low + (high - low) * random.NextUnit()); }
  int32_t Integer(int32_t below) { return static_cast<int32_t>(random.Next() % static_cast<uint64_t>(below)); }
  std::vector<float> Row() {
    std::vector<float> row(kVocabulary);
    for (float& logit : row) logit = Between(-5, 5) * Between(0, 2);
    return row;
  }
  std::vector<int32_t> History() {
    std::vector<int32_t> history(static_cast<size_t>(20 + Integer(80)));
    for (int32_t& token : history) token = Integer(6);
    return history;
  }
  SamplerParams Params() {
    SamplerParams p;
    p.repeat_penalty = Between(0.8, 1.5);
    p.frequency_penalty = Between(-0.2, 0.5);
    p.presence_penalty = Between(-0.2, 0.5);
    p.repeat_last_n = 1 + Integer(64);
    p.dry.multiplier = Between(0.3, 1.2);
    p.dry.base = Between(1.1, 2);
    p.dry.allowed_length = Integer(4);
    p.dry.last_n = 2 + Integer(60);
    p.top_n_sigma = Between(1, 3);
    p.top_k = 5 + Integer(100);
    p.typical_p = Between(0.3, 0.95);
    p.top_p = Between(0.3, 0.98);
    p.min_p = Between(0.01, 0.2);
    p.xtc_probability = 1;
    p.xtc_threshold = Between(0.02, 0.3);
    p.temperature = Between(0.4, 1.6);
    p.dynamic_range = Integer(2) == 0 ? 0 : Between(0.1, 1);
    p.dynamic_exponent = Between(0.5, 2);
    p.min_keep = static_cast<uint32_t>(Integer(4));
    return p;
  }
};

constexpr const char* kNoOracle = "libllama not found (ZELL_ORACLE_DIR)";

/// How many of `n` trials with the given orders differ by more than rounding.
int Different(int n, uint64_t seed, const std::function<std::vector<Step>(Trials&)>& order) {
  Trials trials{internal::Random(seed)};
  int different = 0;
  for (int i = 0; i < n; ++i) {
    SamplerParams p = trials.Params();
    p.order = order(trials);
    const std::vector<float> row = trials.Row();
    const std::vector<int32_t> history = trials.History();
    std::vector<Theirs> samplers;
    for (const Step step : p.order) samplers.push_back(Make(step, p));
    different += Distance(OurChoice(p, history, row), TheirChoice(samplers, history, row)) > 1e-4 ? 1 : 0;
  }
  return different;
}

}  // namespace

TEST(OracleRunsEachStepAlike) {
  if (Oracle() == nullptr) SKIP(kNoOracle);
  for (const Step step : kUsualOrder) {
    const int different = Different(60, 21, [&](Trials&) { return std::vector<Step>{step}; });
    if (different > 0) test::Fail(__FILE__, __LINE__, "step " + std::to_string(static_cast<int>(step)) + " differs");
  }
}

TEST(OracleRunsChainsAlike) {
  if (Oracle() == nullptr) SKIP(kNoOracle);
  const auto any = [](Trials& trials) {
    std::vector<Step> order(std::begin(kUsualOrder), std::end(kUsualOrder));
    for (size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[static_cast<size_t>(trials.Integer(static_cast<int32_t>(i)))]);
    }
    order.resize(static_cast<size_t>(2 + trials.Integer(8)));
    // What sigma strikes out stays a candidate without a chance there; entropies of such are not numbers.
    std::erase(order, Step::kTopNSigma);
    return order;
  };
  const std::vector<Step> sigma = {Step::kPenalties, Step::kDry,  Step::kTopNSigma,
                                   Step::kTopK,      Step::kTopP, Step::kMinP};
  CHECK_EQ(Different(100, 22, [&](Trials&) { return sigma; }), 0);
  // A few candidates may lie so near to a border that float and double see them on either side.
  CHECK(Different(400, 23, any) <= 2);
}

TEST(OracleAndMirostatStartAlike) {
  if (Oracle() == nullptr) SKIP(kNoOracle);
  Trials trials{internal::Random(24)};
  for (int i = 0; i < 100; ++i) {
    SamplerParams p;
    p.temperature = trials.Between(0.5, 1.5);
    p.mirostat = {1 + i % 2, trials.Between(1, 4), 0.1f};
    const std::vector<float> row = trials.Row();
    const Theirs chooser =
        p.mirostat.version == 1
            ? Call<Theirs>("llama_sampler_init_mirostat", kVocabulary, uint32_t{1}, p.mirostat.tau, p.mirostat.eta, 100)
            : Call<Theirs>("llama_sampler_init_mirostat_v2", uint32_t{1}, p.mirostat.tau, p.mirostat.eta);
    const Kept theirs = TheirChoice({Make(Step::kTemperature, p), chooser}, {}, row);
    CHECK(Distance(OurChoice(p, {}, row), theirs) < 1e-4);
  }
}

}  // namespace zell::sampling
#else
TEST(OracleRunsEachStepAlike) { SKIP("the oracle is loaded on Linux only"); }
#endif

ZELL_TEST_MAIN
