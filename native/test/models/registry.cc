// Rows: name, architecture, what describes it, sizes that differ from the usual ones.
#include "models/models.h"

namespace zell::test {
namespace {

constexpr RandomModel kModels[] = {
    {"llama", "llama", DescribeLlama, {.tied = 0}},
    {"qwen2", "qwen2", DescribeQwen2},
};

}  // namespace

std::span<const RandomModel> RandomModels() { return kModels; }

const RandomModel* FindRandomModel(std::string_view name) {
  for (const RandomModel& model : kModels) {
    if (name == model.name) return &model;
  }
  return nullptr;
}

}  // namespace zell::test
