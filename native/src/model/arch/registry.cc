// Finds the architecture of a file.
#include <string>

#include "model/arch/arch.h"

namespace zell::model {
namespace {

constexpr Architecture kArchitectures[] = {
    {"llama", BuildLlama},
    {"qwen2", BuildQwen2},
};

}  // namespace

std::span<const Architecture> KnownArchitectures() { return kArchitectures; }

base::Result<backend::Plan> BuildPlan(const gguf::File& file, const BuildOptions& options) {
  const std::optional<std::string_view> name = file.Str("general.architecture");
  if (!name) return base::Status{base::StatusCode::kBadModelFile, "general.architecture is missing"};
  for (const Architecture& architecture : kArchitectures) {
    if (*name != architecture.name) continue;
    base::Result<backend::Plan> plan = architecture.build(file, options);
    if (!plan.ok()) return plan;
    if (std::string error = backend::FindPlanError(*plan); !error.empty()) {
      return base::Status{base::StatusCode::kBadModelFile, error};
    }
    return plan;
  }
  std::string known;
  for (const Architecture& architecture : kArchitectures)
    known += (known.empty() ? "" : ", ") + std::string(architecture.name);
  return base::Status{base::StatusCode::kUnsupportedModel, "architecture '" + std::string(*name).substr(0, 64) +
                                                               "' is not supported yet; these are: " + known};
}

}  // namespace zell::model
