// Which LoRA adapters a step's item runs with.
#pragma once

#include <cstdint>

namespace zell::lora {

struct AdapterUse {
  uint32_t id = 0;
  float scale = 1.0f;
};

}  // namespace zell::lora
