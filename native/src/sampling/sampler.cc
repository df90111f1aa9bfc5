// The chain: bias, then the steps in their order, then one draw.
#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "sampling/candidates.h"
#include "sampling/chain.h"
#include "sampling/exp.h"
#include "sampling/feedback.h"
#include "sampling/usual_chain.h"

namespace zell::sampling {
namespace {

using internal::Candidate;

/// With what the order leaves out made neutral, so that the numbers alone say what happens.
SamplerParams Effective(SamplerParams p) {
  const auto has = [&](Step step) { return std::find(p.order.begin(), p.order.end(), step) != p.order.end(); };
  if (p.mirostat.version != 0) {
    p.order = {Step::kTemperature};
    p.dynamic_range = 0;
  }
  if (!has(Step::kTopK)) p.top_k = 0;
  if (!has(Step::kTopP)) p.top_p = 1;
  if (!has(Step::kMinP)) p.min_p = 0;
  if (!has(Step::kTemperature)) p.temperature = 1, p.dynamic_range = 0;
  if (!has(Step::kAdaptive)) p.adaptive_target = -1;
  return p;
}

}  // namespace

struct Sampler::Impl {
  Impl(SamplerParams p, std::unique_ptr<TokenFilter> f)
      : filter(std::move(f)), params(Effective(std::move(p))), history(params), dry(params.dry), random(params.seed) {
    const std::vector<Step> active = internal::ActiveSteps(params);
    const auto rest = std::find_if_not(active.begin(), active.end(), internal::ChangesLogits);
    first.assign(active.begin(), rest);
    steps.assign(rest, active.end());
    if (params.mirostat.version != 0) mirostat.emplace(params.mirostat);
    if (params.adaptive_target >= 0) adaptive.emplace(params.adaptive_target, params.adaptive_decay);
    const auto temperature = std::find(steps.begin(), steps.end(), Step::kTemperature);
    greedy = temperature != steps.end() && params.temperature <= 0 && params.dynamic_range <= 0 &&
             std::all_of(steps.begin(), temperature, internal::KeepsBest);
    usual = !mirostat && !adaptive && internal::AreUsual(steps, params);
  }

  std::unique_ptr<TokenFilter> filter;
  base::Status status;
  SamplerParams params;
  internal::History history;
  internal::Dry dry;
  internal::Random random;
  std::optional<internal::Mirostat> mirostat;
  std::optional<internal::Adaptive> adaptive;
  std::vector<Step> first, steps;  ///< those that only change logits, up to the first that does not; the rest
  bool greedy, usual;
  std::vector<float> logits;
  // What the last token was chosen from.
  std::vector<Candidate> kept;
  std::vector<double> weights;  ///< of `kept`, up to a factor
  double total = 0;             ///< their sum
  size_t chosen = 0;            ///< in `kept`

  void AddBias() {
    for (const auto& [token, bias] : params.logit_bias) {
      if (token < 0 || static_cast<size_t>(token) >= logits.size()) continue;
      float& logit = logits[static_cast<size_t>(token)];
      logit = internal::Ordered(logit + bias);
    }
  }

  /// When no logit is finite there is nothing to choose by.
  int32_t LowestAllowed() {
    const std::span<const uint64_t> mask = filter == nullptr ? std::span<const uint64_t>() : filter->Mask();
    const auto forbidden = [&](int32_t token) {
      if (filter != nullptr && !internal::Has(mask, token)) return true;
      return std::any_of(params.logit_bias.begin(), params.logit_bias.end(), [&](const auto& b) {
        return b.first == token && b.second < -std::numeric_limits<float>::max();
      });
    };
    for (int32_t token = 0; static_cast<size_t>(token) < logits.size(); ++token) {
      if (!forbidden(token)) return token;
    }
    if (filter == nullptr) return 0;
    status = filter->status();
    if (status.ok()) {
      status = {base::StatusCode::kInvalidRequest, "logit_bias forbids every token that the constraint allows"};
    }
    return -1;
  }

  int32_t Only(int32_t token) {
    kept = {{token, 0}};
    weights = {1};
    total = 1;
    chosen = 0;
    return token;
  }

  /// Draws by `weights`.
  int32_t Draw() {
    double left = random.NextUnit() * total;
    chosen = 0;
    for (size_t i = 0; i < kept.size(); ++i) {
      if (weights[i] <= 0) continue;
      chosen = i;  // rounding may leave a rest at the end: the last possible one takes it
      left -= weights[i];
      if (left < 0) break;
    }
    return kept[chosen].token;
  }

  int32_t DrawUsual(float max) {
    kept = internal::FilterUsual(logits, max, params);
    weights.resize(kept.size());
    total = 0;
    for (size_t i = 0; i < kept.size(); ++i) {
      weights[i] = internal::ExpNonPositive((double{kept[i].logit} - max) / params.temperature);
      total += weights[i];
    }
    return Draw();
  }

  int32_t DrawAny() {
    internal::Pool pool = internal::RunSteps(steps, params, logits, history, dry, random);
    if (mirostat) mirostat->Limit(pool, logits.size());
    total = pool.Weigh(&weights);
    if (adaptive) total = adaptive->Reweigh(weights, total);
    kept = std::move(pool.kept);
    const int32_t token = Draw();
    if (mirostat) mirostat->Learn(weights[chosen] / total);
    if (adaptive) adaptive->Learn(chosen);
    return token;
  }

  int32_t Sample(std::span<const float> row) {
    if (row.empty()) return Only(0);
    logits.resize(row.size());
    internal::CopyOrdered(row, logits);
    AddBias();
    for (const Step step : first) step == Step::kDry ? dry.Apply(logits) : history.Apply(logits);
    float max = internal::MaxOf(logits);
    if (filter != nullptr) {
      const int32_t best = internal::FirstEqual(logits, max);
      if (greedy && max > -std::numeric_limits<float>::infinity() && filter->Allows(best)) return Only(best);
      internal::KeepOnly(filter->Mask(), logits);
      max = internal::MaxOf(logits);
    }
    if (!(max > -std::numeric_limits<float>::infinity())) return Only(LowestAllowed());
    if (greedy) return Only(internal::FirstEqual(logits, max));
    return usual ? DrawUsual(max) : DrawAny();
  }
};

Sampler::Sampler(SamplerParams params, std::unique_ptr<TokenFilter> filter)
    : impl_(std::make_shared<Impl>(std::move(params), std::move(filter))) {}

void Sampler::Remember(int32_t token) {
  impl_->history.Accept(token);
  impl_->dry.Accept(token);
}

void Sampler::Accept(int32_t token) {
  Remember(token);
  if (impl_->filter != nullptr) impl_->filter->Accept(token);
}

const base::Status& Sampler::status() const { return impl_->status; }

int32_t Sampler::Sample(std::span<const float> logits) { return impl_->Sample(logits); }

std::vector<TokenProbability> Sampler::TopKept(size_t n) const {
  std::vector<size_t> best(impl_->kept.size());
  for (size_t i = 0; i < best.size(); ++i) best[i] = i;
  n = std::min(n, best.size());
  std::partial_sort(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(n), best.end(), [&](size_t a, size_t b) {
    const auto& w = impl_->weights;
    return w[a] != w[b] ? w[a] > w[b] : impl_->kept[a].token < impl_->kept[b].token;
  });
  std::vector<TokenProbability> top;
  for (size_t i = 0; i < n && impl_->weights[best[i]] > 0; ++i) {
    const double probability = impl_->weights[best[i]] / impl_->total;
    top.push_back({impl_->kept[best[i]].token, static_cast<float>(std::log(probability))});
  }
  return top;
}

float Sampler::ChosenLogprob() const {
  if (impl_->kept.empty()) return 0;
  return static_cast<float>(std::log(impl_->weights[impl_->chosen] / impl_->total));
}

}  // namespace zell::sampling
