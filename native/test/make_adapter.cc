// Writes a LoRA adapter with random numbers for a model: zell_adapter MODEL OUT [--rank N] [--alpha X] [--seed N]
// [--size X]
// [--type F32|F16|BF16] [--embedding 1]. `size`: of the addition beside the weights' own; 1 is about 5 %.
#include <cstdio>
#include <cstdlib>
#include <map>

#include "random_adapter.h"

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(
        stderr,
        "usage: zell_adapter MODEL OUT [--rank N] [--alpha X] [--seed N] [--size X] [--type F32] [--embedding 1]\n");
    return 2;
  }
  std::map<std::string, std::string> options;
  for (int i = 3; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  const auto number = [&](const char* name, double fallback) {
    return options.contains(name) ? std::strtod(options[name].c_str(), nullptr) : fallback;
  };
  zell::test::RandomAdapterFile what;
  what.rank = static_cast<uint32_t>(number("--rank", 8));
  what.alpha = static_cast<float>(number("--alpha", 16));
  what.seed = static_cast<uint32_t>(number("--seed", 1));
  what.size = static_cast<float>(number("--size", 1));
  if (options["--type"] == "F16") what.type = zell::quant::TensorType::kF16;
  if (options["--type"] == "BF16") what.type = zell::quant::TensorType::kBF16;
  if (number("--embedding", 0) != 0) {
    what.wanted = [](const std::string& name) { return name.starts_with("blk.") || name == "token_embd.weight"; };
  }
  auto model = zell::gguf::File::Open(argv[1]);
  const zell::base::Status status =
      model.ok() ? zell::test::WriteRandomAdapter(**model, argv[2], what) : model.status();
  if (!status.ok()) std::fprintf(stderr, "zell_adapter: %s\n", status.message.c_str());
  return status.ok() ? 0 : 1;
}
