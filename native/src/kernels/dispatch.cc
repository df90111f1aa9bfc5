// Chooses the table for this CPU, or the one that ZELL_ISA names.
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/cpu.h"
#include "kernels/activations.h"
#include "kernels/kernels.h"
#include "kernels/tables.h"
#include "kernels/target.h"

namespace zell::kernels {
namespace {

constexpr size_t kCacheLine = 64;
constexpr const char* kKnownNames[] = {"scalar", "avx2", "avx2vnni", "avx512vnni",
                                       "amx",    "neon", "neondot",  "neoni8mm"};

/// Slowest first.
const std::vector<const Kernels*>& Supported() {
  static const std::vector<const Kernels*> tables = [] {
    std::vector<const Kernels*> t{&ScalarKernels()};
#if defined(ZELL_KERNELS_X86)
    if (base::Cpu().avx2) t.push_back(&Avx2Kernels());
    if (base::Cpu().avx_vnni) t.push_back(&Avx2VnniKernels());
    if (base::Cpu().avx512_vnni) t.push_back(&Avx512VnniKernels());
    if (base::RequestTiles()) t.push_back(&AmxKernels());
#elif defined(ZELL_KERNELS_ARM64)
    t.push_back(&NeonKernels());
#if defined(ZELL_KERNELS_ARM64_DOT)
    if (base::Cpu().arm_dotprod) t.push_back(&NeonDotKernels());
#endif
#if defined(ZELL_KERNELS_ARM64_I8MM)
    if (base::Cpu().arm_i8mm) t.push_back(&NeonI8mmKernels());
#endif
#endif
    return t;
  }();
  return tables;
}

bool Known(const char* name) {
  for (const char* known : kKnownNames) {
    if (std::strcmp(name, known) == 0) return true;
  }
  return false;
}

const Choice& Chosen() {
  static const Choice choice = Choose(std::getenv("ZELL_ISA"));
  return choice;
}

}  // namespace

Choice Choose(const char* name) {
  Choice choice{Supported().back(), ""};
  if (name == nullptr || *name == '\0') return choice;
  std::string supported;
  for (const Kernels* k : Supported()) {
    if (std::strcmp(k->name, name) == 0) return {k, ""};
    supported += (supported.empty() ? "" : ", ") + std::string(k->name);
  }
  const char* why = Known(name) ? "is not supported by this CPU or operating system" : "is not an instruction set";
  choice.error = "ZELL_ISA=" + std::string(name) + " " + why + "; supported here: " + supported + "; using " +
                 choice.kernels->name + ".";
  return choice;
}

const Kernels& ActiveKernels() { return *Chosen().kernels; }

const char* ForcedIsaError() { return Chosen().error.empty() ? nullptr : Chosen().error.c_str(); }

std::span<const Kernels* const> SupportedKernels() { return Supported(); }

ActivationFormat FormatFor(quant::TensorType type) {
  switch (type) {
    case quant::TensorType::kF32:
    case quant::TensorType::kF16:
    case quant::TensorType::kBF16:
      return ActivationFormat::kF32;
    case quant::TensorType::kQ4_0:
    case quant::TensorType::kQ4_1:
    case quant::TensorType::kQ5_0:
    case quant::TensorType::kQ5_1:
    case quant::TensorType::kQ8_0:
    case quant::TensorType::kQ8_1:
    case quant::TensorType::kQ1_0:
    case quant::TensorType::kQ2_0:
    case quant::TensorType::kIQ4_NL:
    case quant::TensorType::kMXFP4:
    case quant::TensorType::kNVFP4:
      return ActivationFormat::kQ8;
    case quant::TensorType::kQ2_K:
    case quant::TensorType::kQ3_K:
    case quant::TensorType::kQ4_K:
    case quant::TensorType::kQ5_K:
    case quant::TensorType::kQ6_K:
    case quant::TensorType::kQ8_K:
    case quant::TensorType::kTQ1_0:
    case quant::TensorType::kTQ2_0:
    case quant::TensorType::kIQ4_XS:
    case quant::TensorType::kIQ1_S:
    case quant::TensorType::kIQ1_M:
    case quant::TensorType::kIQ2_XXS:
    case quant::TensorType::kIQ2_XS:
    case quant::TensorType::kIQ2_S:
    case quant::TensorType::kIQ3_XXS:
    case quant::TensorType::kIQ3_S:
      return ActivationFormat::kQ8K;
    case quant::TensorType::kF64:
    case quant::TensorType::kI8:
    case quant::TensorType::kI16:
    case quant::TensorType::kI32:
    case quant::TensorType::kI64:
      break;  // not matrix types
  }
  return ActivationFormat::kF32;
}

size_t ActivationBytes(ActivationFormat format, size_t k) {
  size_t bytes = k * sizeof(float);
  if (format == ActivationFormat::kQ8) bytes = k / quant::kSmallBlock * sizeof(Q8Record);
  if (format == ActivationFormat::kQ8K) bytes = k / quant::kSuperBlock * sizeof(Q8KRecord);
  // An odd number of lines: neighbouring columns then never fall into the same few sets of a cache, whatever k is.
  return ((bytes + kCacheLine - 1) / kCacheLine | 1) * kCacheLine;
}

}  // namespace zell::kernels
