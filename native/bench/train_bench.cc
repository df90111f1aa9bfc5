// Speed of training on a model file: `zell_train_bench MODEL [THREADS] [STEPS] [TOKENS] [ROW]`. Items of TOKENS tokens,
// half of which count, eight in a step, two of them anchors with a teacher of 32 ids. Prints one line of JSON.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "train/trainer.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/resource.h>
#endif

int main(int argc, char** argv) {
  using namespace zell;
  if (argc < 2) {
    std::fprintf(stderr, "zell_train_bench MODEL [THREADS] [STEPS] [TOKENS] [ROW]\n");
    return 2;
  }
  const auto argument = [&](int i, int usual) { return argc > i ? std::atoi(argv[i]) : usual; };
  train::Recipe recipe;
  recipe.threads = argument(2, 2);
  const int steps = argument(3, 5), tokens = argument(4, 70);
  recipe.row_tokens = static_cast<uint32_t>(argument(5, 1024));
  recipe.epochs = 1;
  auto opened = train::Trainer::Open(argv[1], recipe, "");
  if (!opened.ok()) {
    std::fprintf(stderr, "%s\n", opened.status().message.c_str());
    return 1;
  }
  train::Trainer& trainer = **opened;
  std::vector<train::Item> items;
  for (int i = 0; i < steps * 6 + 2; ++i) {
    train::Item item;
    for (int t = 0; t < tokens; ++t) item.tokens.push_back((i * 7919 + t * 104729) % 400 + 30);
    item.loss.assign(item.tokens.size(), 0);
    for (size_t t = item.tokens.size() / 2; t < item.tokens.size(); ++t) item.loss[t] = 1;
    if (i < 2) {
      auto base = trainer.BaseDistributions(item, 32);
      if (!base.ok()) return 1;
      item.anchor = true;
      item.top = base->top;
      item.ids = base->ids;
      item.logprobs = base->logprobs;
    }
    items.push_back(std::move(item));
  }
  if (!trainer.AddItems(std::move(items)).ok()) return 1;
  std::vector<double> rates;
  const auto run = trainer.Run(static_cast<uint64_t>(steps), [&](const train::Progress& p) {
    rates.push_back(static_cast<double>(p.tokens) / p.step_ms * 1000);
    std::fprintf(stderr, "step %d loss %.4f anchor %.5f norm %.3f %.1f tokens/s\n", static_cast<int>(p.step), p.loss,
                 p.anchor_loss, p.gradient_norm, rates.back());
  });
  if (!run.ok()) {
    std::fprintf(stderr, "%s\n", run.status().message.c_str());
    return 1;
  }
  std::sort(rates.begin(), rates.end());
  long peak = 0;
#if defined(__unix__) || defined(__APPLE__)
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  peak = usage.ru_maxrss;
#endif
  const train::TrainerPlan& plan = trainer.plan();
  std::printf(
      "{\"tokensPerSecond\": %.2f, \"best\": %.2f, \"peakRss\": %ld, \"plannedBytes\": %llu, \"keptLayers\": %u}\n",
      rates[rates.size() / 2], rates.back(), peak, static_cast<unsigned long long>(plan.total_bytes), plan.kept_layers);
  return 0;
}
