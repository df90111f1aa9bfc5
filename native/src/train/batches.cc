#include "train/batches.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "train/seeded_random.h"

namespace zell::train {
namespace {

void Append(Row& row, const Item& item, float weight) {
  const Segment segment{row.tokens.size(), item.tokens.size()};
  size_t counted = 0;
  for (size_t i = 1; i < item.tokens.size(); ++i) {
    if (item.loss[i] == 0) continue;
    LossToken token;
    token.from = segment.first + i - 1;
    token.target = static_cast<uint32_t>(item.tokens[i]);
    token.weight = weight;
    token.anchor = item.anchor;
    token.ids = std::span(item.ids).subspan(counted * item.top, item.top);
    token.logprobs = std::span(item.logprobs).subspan(counted * item.top, item.top);
    ++counted;
    row.losses.push_back(token);
  }
  row.tokens.insert(row.tokens.end(), item.tokens.begin(), item.tokens.end());
  row.segments.push_back(segment);
}

size_t Counted(const Item& item) {
  return static_cast<size_t>(std::count_if(item.loss.begin(), item.loss.end(), [](uint8_t x) { return x != 0; }));
}

}  // namespace

Batches::Batches(const Recipe& recipe, const std::vector<Item>& items) : seed_(recipe.seed) {
  for (size_t i = 0; i < items.size(); ++i) (items[i].anchor ? anchors_ : learn_).push_back(i);
  if (!anchors_.empty()) {
    const auto share = static_cast<uint64_t>(std::llround(recipe.anchor_share * recipe.batch_items));
    anchors_per_step_ = std::min<uint64_t>(share, recipe.batch_items - 1);
  }
  learn_per_step_ = recipe.batch_items - anchors_per_step_;
  learn_total_ = uint64_t{learn_.size()} * recipe.epochs;
  steps_ = (learn_total_ + learn_per_step_ - 1) / learn_per_step_;
}

const std::vector<size_t>& Batches::Order(const std::vector<size_t>& pool, uint64_t pass, bool anchors) {
  Pass& known = passes_[anchors ? 1 : 0];
  if (known.number == pass) return known.order;
  known.number = pass;
  known.order = pool;
  Random random(seed_ * 0x2545f4914f6cdd1du + pass * 2 + (anchors ? 1 : 0));
  for (size_t i = known.order.size(); i > 1; --i) {
    std::swap(known.order[i - 1], known.order[static_cast<size_t>(random.Below(i))]);
  }
  return known.order;
}

std::vector<size_t> Batches::ItemsOf(uint64_t step) {
  std::vector<size_t> chosen;
  for (uint64_t i = step * learn_per_step_; i < std::min(learn_total_, (step + 1) * learn_per_step_); ++i) {
    chosen.push_back(Order(learn_, i / learn_.size(), false)[static_cast<size_t>(i % learn_.size())]);
  }
  for (uint64_t i = step * anchors_per_step_; i < (step + 1) * anchors_per_step_; ++i) {
    chosen.push_back(Order(anchors_, i / anchors_.size(), true)[static_cast<size_t>(i % anchors_.size())]);
  }
  return chosen;
}

StepRows MakeRows(const Recipe& recipe, const std::vector<Item>& items, const std::vector<size_t>& chosen) {
  StepRows step;
  double item_weight = 0, anchor_weight = 0;
  for (const size_t i : chosen) {
    const size_t counted = Counted(items[i]);
    (items[i].anchor ? step.anchor_tokens : step.item_tokens) += counted;
    (items[i].anchor ? anchor_weight : item_weight) +=
        static_cast<double>(items[i].weight) * static_cast<double>(counted);
    step.tokens += items[i].tokens.size();
  }
  for (const size_t i : chosen) {
    const Item& item = items[i];
    if (step.rows.empty() || step.rows.back().tokens.size() + item.tokens.size() > recipe.row_tokens) {
      step.rows.emplace_back();
    }
    const double share = item.anchor ? recipe.anchor_weight / anchor_weight : 1 / item_weight;
    Append(step.rows.back(), item, static_cast<float>(item.weight * share));
  }
  return step;
}

Row RowOf(const Item& item) {
  Row row;
  Append(row, item, 1.0f);
  return row;
}

}  // namespace zell::train
