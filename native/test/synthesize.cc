// zell_synthesize: makes models for tests, from nothing or from another model. See kUsage.
#include <atomic>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "base/memory_info.h"
#include "convert/quantize_file.h"
#include "random_model.h"
#include "upcycle_model.h"

namespace {

using zell::base::Status;
using zell::base::StatusCode;
using zell::quant::TensorType;

constexpr char kUsage[] =
    "zell_synthesize OUT.gguf [--model NAME] [--vocab-from MODEL.gguf] [--layers N] [--width N] [--heads N]\n"
    "                [--kv-heads N] [--head-dim N] [--ffn N] [--context N] [--type F32|F16|BF16|Q4_0|…|Q6_K] [--tied]\n"
    "                [--untied] [--experts N] [--experts-used N] [--expert-ffn N] [--seed N]\n"
    "                [--better-type TYPE] [--distinct-rows N]\n"
    "  A model of any architecture with random weights, and a tiny tokenizer or that of another file. The same\n"
    "  arguments give the same bytes. An unknown NAME: an error that lists the known ones. --better-type mixes types,\n"
    "  as published files do (Q4_K with Q6_K is Q4_K_M); --distinct-rows repeats the first N rows of each matrix.\n"
    "zell_synthesize OUT.gguf --convert IN.gguf --type TYPE\n"
    "  The same model with every matrix in TYPE, or what its rows allow; vectors become F32.\n"
    "zell_synthesize OUT.gguf --upcycle IN.gguf [--experts N] [--experts-used N] [--noise SIGMA] [--seed N]\n"
    "  A mixture of experts from a dense Llama model: each expert is a copy of the MLP, plus noise if wanted; the\n"
    "  routers are random.\n";

struct Arguments {
  std::string out;
  std::string convert;
  std::string upcycle;
  double noise = 0.0;
  zell::test::RandomModelSpec spec;
};

std::optional<TensorType> TypeNamed(std::string_view name) {
  for (const zell::quant::TypeInfo& info : zell::quant::Types()) {
    if (name == info.name) return info.type;
  }
  return std::nullopt;
}

Status Invalid(const std::string& message) { return {StatusCode::kInvalidRequest, message}; }

Status SetNumber(std::string_view name, std::string_view text, Arguments* arguments) {
  auto& shape = arguments->spec.shape;
  uint64_t* const target = name == "--layers"          ? &shape.layers
                           : name == "--width"         ? &shape.width
                           : name == "--heads"         ? &shape.heads
                           : name == "--kv-heads"      ? &shape.kv_heads
                           : name == "--head-dim"      ? &shape.head_dim
                           : name == "--ffn"           ? &shape.ffn
                           : name == "--context"       ? &shape.context
                           : name == "--experts"       ? &shape.experts
                           : name == "--experts-used"  ? &shape.experts_used
                           : name == "--expert-ffn"    ? &shape.expert_ffn
                           : name == "--distinct-rows" ? &arguments->spec.distinct_rows
                           : name == "--seed"          ? &arguments->spec.seed
                                                       : nullptr;
  if (target == nullptr) return Invalid("Unknown option " + std::string(name) + ".");
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *target);
  if (error == std::errc() && end == text.data() + text.size()) return Status::Ok();
  return Invalid(std::string(name) + " takes a number, not " + std::string(text) + ".");
}

Status Set(std::string_view name, std::string_view value, Arguments* arguments) {
  if (name == "--model") {
    arguments->spec.model = value;
  } else if (name == "--vocab-from") {
    arguments->spec.vocab_from = value;
  } else if (name == "--convert") {
    arguments->convert = value;
  } else if (name == "--upcycle") {
    arguments->upcycle = value;
  } else if (name == "--noise") {
    arguments->noise = std::strtod(std::string(value).c_str(), nullptr);
    if (!(arguments->noise >= 0 && arguments->noise <= 10)) return Invalid("--noise is from 0 to 10.");
  } else if (name == "--type" || name == "--better-type") {
    const std::optional<TensorType> type = TypeNamed(value);
    if (!type) return Invalid("Unknown type " + std::string(value) + ".");
    if (name == "--type") {
      arguments->spec.type = *type;
    } else {
      arguments->spec.better_type = *type;
    }
  } else {
    return SetNumber(name, value, arguments);
  }
  return Status::Ok();
}

Status Run(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--untied" || argument == "--tied") {
      arguments.spec.shape.tied = argument == "--tied" ? 1 : 0;
    } else if (argument.starts_with("--")) {
      if (i + 1 == argc) return Invalid(std::string(argument) + " needs a value.");
      ZELL_RETURN_IF_ERROR(Set(argument, argv[++i], &arguments));
    } else {
      arguments.out = argument;
    }
  }
  if (arguments.out.empty()) return Invalid("No output file.");
  if (!arguments.convert.empty()) {
    const std::atomic<bool> stop = false;
    const zell::convert::QuantizeOptions options{.type = arguments.spec.type, .threads = zell::base::PhysicalCores()};
    const auto report = zell::convert::QuantizeFile(
        arguments.convert, arguments.out, options, [](uint64_t, uint64_t) {}, stop);
    if (report.ok() && report->fell_back > 0) {
      std::fprintf(stderr, "rows of %llu matrices do not fit this type; they got another\n",
                   static_cast<unsigned long long>(report->fell_back));
    }
    return report.status();
  }
  if (!arguments.upcycle.empty()) {
    zell::test::UpcycleSpec spec{.noise = arguments.noise, .seed = arguments.spec.seed};
    if (arguments.spec.shape.experts != 0) spec.experts = arguments.spec.shape.experts;
    if (arguments.spec.shape.experts_used != 0) spec.used = arguments.spec.shape.experts_used;
    return zell::test::UpcycleModel(arguments.upcycle, arguments.out, spec);
  }
  return zell::test::WriteRandomModel(arguments.out, arguments.spec);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--help") == 0) {
    std::fputs(kUsage, stdout);
    return 0;
  }
  const Status status = Run(argc, argv);
  if (status.ok()) return 0;
  std::fprintf(stderr, "%s\n\n%s", status.message.c_str(), status.code == StatusCode::kInvalidRequest ? kUsage : "");
  return 1;
}
