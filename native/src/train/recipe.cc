#include "train/recipe.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "lora/adapter.h"

namespace zell::train {
namespace {

constexpr uint32_t kMostTop = 256;  // ids of a teacher: what the loss keeps on its stack

base::Status Invalid(std::string message) { return {base::StatusCode::kInvalidRequest, std::move(message)}; }

}  // namespace

const char* NameOf(Numerics numerics) {
  switch (numerics) {
    case Numerics::kFastest:
      break;
    case Numerics::kF32:
      return "f32";
    case Numerics::kBf16x3:
      return "bf16x3";
  }
  return "";
}

bool ParseNumerics(std::string_view name, Numerics& numerics) {
  for (const Numerics known : {Numerics::kF32, Numerics::kBf16x3}) {
    if (name != NameOf(known)) continue;
    numerics = known;
    return true;
  }
  return false;
}

base::Status CheckRecipe(const Recipe& r) {
  const auto within = [](double x, double least, double most) { return x >= least && x <= most; };
  if (r.rank < 1 || r.rank > lora::kMaxRank) return Invalid("rank must be from 1 to 4096");
  if (!within(r.alpha, 1e-3, 1e6)) return Invalid("alpha must be from 0.001 to 1000000");
  if (!within(r.learning_rate, 0, 1)) return Invalid("learningRate must be from 0 to 1");
  if (!within(r.warmup, 0, 1)) return Invalid("warmup must be from 0 to 1");
  if (!within(r.final_rate, 0, 1)) return Invalid("finalRate must be from 0 to 1");
  if (!within(r.weight_decay, 0, 10)) return Invalid("weightDecay must be from 0 to 10");
  if (!within(r.clip_norm, 1e-6, 1e6)) return Invalid("clipNorm must be from 0.000001 to 1000000");
  if (r.batch_items < 1 || r.batch_items > 4096) return Invalid("batchItems must be from 1 to 4096");
  if (!within(r.anchor_share, 0, 0.9)) return Invalid("anchorShare must be from 0 to 0.9");
  if (!within(r.anchor_weight, 0, 1000)) return Invalid("anchorWeight must be from 0 to 1000");
  if (r.epochs < 1 || r.epochs > 10000) return Invalid("epochs must be from 1 to 10000");
  if (r.row_tokens < 16 || r.row_tokens > 65536) return Invalid("rowTokens must be from 16 to 65536");
  if (r.threads < 1 || r.threads > 256) return Invalid("threads must be from 1 to 256");
  return base::Status::Ok();
}

base::Status CheckItem(const Item& item, uint32_t vocabulary, uint32_t most_tokens) {
  if (item.tokens.size() < 2) return Invalid("an item needs at least two tokens");
  if (item.tokens.size() > most_tokens) {
    return {base::StatusCode::kTooLarge,
            "an item has " + std::to_string(item.tokens.size()) + " tokens, more than " + std::to_string(most_tokens)};
  }
  for (const int32_t token : item.tokens) {
    if (token < 0 || static_cast<uint32_t>(token) >= vocabulary) {
      return Invalid("token " + std::to_string(token) + " is not in the vocabulary");
    }
  }
  if (item.loss.size() != item.tokens.size() || item.loss[0] != 0) {
    return Invalid("an item needs a loss mark for each token, and none for the first");
  }
  const auto counted =
      static_cast<size_t>(std::count_if(item.loss.begin(), item.loss.end(), [](uint8_t x) { return x != 0; }));
  if (counted == 0) return Invalid("no token of an item counts");
  if (!(item.weight > 0 && item.weight <= 100)) return Invalid("the weight of an item must be above 0, up to 100");
  if (item.anchor && item.top == 0) return Invalid("an anchor needs a teacher");
  if (item.top > std::min(kMostTop, vocabulary)) return Invalid("a teacher has more ids than 256 or the vocabulary");
  if (item.ids.size() != counted * item.top || item.logprobs.size() != item.ids.size()) {
    return Invalid("a teacher needs `top` ids and log-probabilities for each counted token");
  }
  for (size_t i = 0; i < item.ids.size(); i += item.top) {
    double sum = 0;
    for (size_t t = i; t < i + item.top; ++t) {
      const int32_t id = item.ids[t];
      if (id < 0 || static_cast<uint32_t>(id) >= vocabulary) return Invalid("a teacher's id is not in the vocabulary");
      for (size_t other = i; other < t; ++other) {
        if (item.ids[other] == id) return Invalid("a teacher names an id twice");
      }
      sum += std::exp(static_cast<double>(item.logprobs[t]));
    }
    if (!(sum <= 1.001)) return Invalid("a teacher's probabilities sum to more than 1");
  }
  return base::Status::Ok();
}

double LearningRate(const Recipe& r, uint64_t step, uint64_t steps) {
  const auto rising = static_cast<uint64_t>(std::ceil(r.warmup * static_cast<double>(steps)));
  if (step < rising) return r.learning_rate * static_cast<double>(step + 1) / static_cast<double>(rising);
  const double done = static_cast<double>(step - rising) / static_cast<double>(std::max<uint64_t>(1, steps - rising));
  const double cosine = 0.5 * (1 + std::cos(std::numbers::pi * std::min(1.0, done)));
  return r.learning_rate * (r.final_rate + (1 - r.final_rate) * cosine);
}

}  // namespace zell::train
