// Metadata and tensors that do not make a model: the error names what is wrong, nothing crashes.
#include <algorithm>
#include <cmath>
#include <limits>

#include "check.h"
#include "model/arch/arch.h"
#include "model/vocabulary.h"
#include "small_model.h"

using namespace zell;
using test::SmallModel;

namespace {

base::Status BuildStatus(const SmallModel& small) {
  const std::string path = test::WriteSmallModel(small, "arch_test");
  if (path.empty()) return {base::StatusCode::kIo, "the test's model was not written"};
  const auto file = gguf::File::Open(path);
  if (!file.ok()) return file.status();
  const auto plan = model::BuildPlan(**file);
  return plan.ok() ? base::Status::Ok() : plan.status();
}

void CheckRefused(const SmallModel& small, base::StatusCode code, const char* named) {
  const base::Status status = BuildStatus(small);
  if (status.code != code || status.message.find(named) == std::string::npos) {
    CHECK_EQ(status.message, std::string("… ") + named + " …");
  }
}

SmallModel With(const std::string& key, const gguf::FileValue& value) {
  SmallModel small;
  small.change = [=](gguf::HeaderBuilder& header) { header.Set(key, value); };
  return small;
}

constexpr auto kBad = base::StatusCode::kBadModelFile;
constexpr auto kUnsupported = base::StatusCode::kUnsupportedModel;

}  // namespace

TEST(sound_files_are_accepted) {
  CHECK_EQ(BuildStatus({}).message, "");
  CHECK_EQ(BuildStatus({.arch = "qwen2", .biases = true}).message, "");
  CHECK_EQ(BuildStatus({.biases = true, .rope_factors = true}).message, "");
}

TEST(unknown_architecture_is_named) { CheckRefused({.arch = "frobnicator"}, kUnsupported, "frobnicator"); }

TEST(files_that_are_no_language_model_say_what_to_load) {
  CheckRefused({.arch = "clip"}, kUnsupported, "without 'mmproj' in its name");
  CheckRefused({.arch = "gemma3n"}, kUnsupported, "gemma3n");
  CheckRefused(With("general.type", std::string("adapter")), kUnsupported, "adapter");
}

TEST(scales_of_whole_matrices_are_refused_and_not_ignored) {
  const std::string path = (std::filesystem::temp_directory_path() / "zell_arch_scale.gguf").string();
  gguf::HeaderBuilder header;
  header.Set("general.architecture", std::string("llama"));
  const uint64_t one[] = {1};
  CHECK(header.AddTensor("blk.0.attn_q.scale", quant::TensorType::kF32, one).ok());
  auto writer = gguf::FileWriter::Create(path, header);
  REQUIRE(writer.ok());
  const uint8_t bytes[4] = {};
  CHECK(writer->Append(bytes).ok() && writer->Commit().ok());
  const auto file = gguf::File::Open(path);
  REQUIRE(file.ok());
  const auto plan = model::BuildPlan(**file);
  CHECK_EQ(plan.status().code, kUnsupported);
  CHECK(plan.status().message.find("blk.0.attn_q.scale") != std::string::npos);
  std::filesystem::remove(path);
}

TEST(hyperparameters_out_of_range_are_named) {
  constexpr uint32_t kMax = std::numeric_limits<uint32_t>::max();
  for (const uint32_t value : {0u, kMax}) {
    for (const char* key :
         {"llama.block_count", "llama.embedding_length", "llama.feed_forward_length", "llama.attention.head_count",
          "llama.attention.head_count_kv", "llama.context_length", "llama.attention.key_length",
          "llama.attention.value_length", "llama.rope.dimension_count"}) {
      CheckRefused(With(key, value), kBad, key);
    }
  }
  CheckRefused(With("llama.attention.head_count", uint32_t{3}), kBad, "head_count");
  CheckRefused(With("llama.attention.head_count_kv", uint32_t{3}), kBad, "head_count_kv");
  CheckRefused(With("llama.rope.dimension_count", uint32_t{7}), kBad, "rope.dimension_count");
  CheckRefused(With("llama.rope.dimension_count", uint32_t{128}), kBad, "rope.dimension_count");
  for (const float eps : {0.0f, -1.0f, std::nanf(""), INFINITY}) {
    CheckRefused(With("llama.attention.layer_norm_rms_epsilon", eps), kBad, "layer_norm_rms_epsilon");
  }
  for (const float base : {0.0f, -1.0f, std::nanf(""), INFINITY}) {
    CheckRefused(With("llama.rope.freq_base", base), kBad, "rope.freq_base");
  }
  CheckRefused(With("llama.block_count", std::string("two")), kBad, "block_count");
}

TEST(experts_that_do_not_fit_are_named) {
  SmallModel small;
  small.experts = 6;
  CHECK_EQ(BuildStatus(small).message, "");
  const auto refused = [&](const char* key, const gguf::FileValue& value, const char* named) {
    SmallModel changed = With(key, value);
    changed.experts = 6;
    CheckRefused(changed, kBad, named);
  };
  constexpr uint32_t kMax = std::numeric_limits<uint32_t>::max();
  refused("llama.expert_count", uint32_t{7}, "ffn_gate_inp.weight");
  refused("llama.expert_count", kMax, "expert_count");
  refused("llama.expert_used_count", uint32_t{7}, "expert_used_count");
  refused("llama.expert_used_count", uint32_t{0}, "expert_used_count");
  refused("llama.expert_feed_forward_length", uint32_t{128}, "ffn_gate_exps.weight");
  refused("llama.expert_group_count", uint32_t{4}, "expert_group_count");
  refused("llama.expert_weights_norm", uint32_t{1}, "expert_weights_norm");
  small.leave_out = "blk.1.ffn_down_exps.weight";
  CheckRefused(small, kBad, "blk.1.ffn_down_exps.weight");
  small.leave_out = "blk.1.ffn_down.3.weight";
  small.separate_experts = true;
  CheckRefused(small, kBad, "blk.1.ffn_down.3.weight");
}

TEST(unknown_position_scaling_and_gating_are_refused) {
  CheckRefused(With("llama.rope.scaling.type", std::string("stretchy")), kUnsupported, "stretchy");
  SmallModel gated = With("llama.expert_gating_func", uint32_t{9});
  gated.experts = 4;
  CheckRefused(gated, kUnsupported, "expert_gating_func 9");
  SmallModel linear = With("llama.rope.scaling.type", std::string("linear"));
  CHECK(BuildStatus(linear).ok());
}

TEST(scalings_and_factors_out_of_range_are_named) {
  const auto yarn = [](const char* key, const gguf::FileValue& value) {
    SmallModel small;
    small.change = [=](gguf::HeaderBuilder& header) {
      header.Set("llama.rope.scaling.type", std::string("yarn"));
      header.Set("llama.rope.scaling.factor", 4.0f);
      header.Set(key, value);
    };
    return small;
  };
  CHECK(BuildStatus(yarn("llama.rope.scaling.original_context_length", uint32_t{512})).ok());
  CheckRefused(yarn("llama.rope.scaling.original_context_length", uint32_t{0}), kBad, "original_context_length");
  CheckRefused(yarn("llama.rope.scaling.factor", -2.0f), kBad, "rope.scaling.factor");
  CheckRefused(yarn("llama.rope.scaling.yarn_beta_fast", std::nanf("")), kBad, "yarn_beta_fast");
  CheckRefused(yarn("llama.rope.freq_base", 1.0f), kBad, "freq_base");
  SmallModel factors = yarn("llama.rope.dimension_count", uint32_t{32});
  factors.rope_factors = true;
  CheckRefused(factors, kBad, "rope_freqs.weight");
}

TEST(lists_for_each_layer_count_when_all_are_the_same) {
  CHECK(BuildStatus(With("llama.feed_forward_length", std::vector<uint32_t>{256, 256})).ok());
  CHECK(BuildStatus(With("llama.attention.head_count_kv", std::vector<int32_t>{2, 2})).ok());
  CheckRefused(With("llama.feed_forward_length", std::vector<uint32_t>{256, 512}), kUnsupported, "differs");
  CheckRefused(With("llama.feed_forward_length", std::vector<uint32_t>{}), kBad, "feed_forward_length");
  CheckRefused(With("llama.attention.head_count", std::vector<int32_t>{-4, -4}), kBad, "head_count");
}

TEST(gemma4_names_what_is_wrong_with_its_lists) {
  const auto gemma4 = [](const char* key, const gguf::FileValue& value) {
    SmallModel small;
    small.arch = "gemma4";
    small.change = [=](gguf::HeaderBuilder& header) {
      header.Set("gemma4.attention.sliding_window", uint32_t{64});
      header.Set("gemma4.attention.sliding_window_pattern", std::vector<int32_t>{1, 0});
      header.Set("gemma4.attention.key_length", uint32_t{64});
      header.Set("gemma4.attention.key_length_swa", uint32_t{64});
      header.Set(key, value);
    };
    return small;
  };
  CheckRefused(gemma4("gemma4.attention.sliding_window", uint32_t{64}), kBad, "attn_q_norm.weight");
  CheckRefused(gemma4("gemma4.attention.sliding_window_pattern", std::vector<int32_t>{1}), kBad, "pattern");
  CheckRefused(gemma4("gemma4.attention.head_count_kv", std::vector<uint32_t>{2}), kBad, "head_count_kv");
  CheckRefused(gemma4("gemma4.attention.head_count_kv", std::vector<uint32_t>{2, 3}), kBad, "head_count_kv");
  CheckRefused(gemma4("gemma4.feed_forward_length", std::vector<int32_t>{256, -1}), kBad, "feed_forward_length");
  CheckRefused(gemma4("gemma4.attention.shared_kv_layers", uint32_t{1}), kBad, "shared_kv_layers");
  CheckRefused(gemma4("gemma4.attention.shared_kv_layers", uint32_t{2}), kBad, "shared_kv_layers");
  CheckRefused(gemma4("gemma4.rope.dimension_count", uint32_t{3}), kBad, "dimension_count");
  CheckRefused(gemma4("gemma4.expert_count", uint32_t{8}), kUnsupported, "expert_count");
}

TEST(missing_tensors_are_named) {
  for (const char* name : {"token_embd.weight", "output_norm.weight", "blk.0.attn_q.weight", "blk.1.attn_norm.weight",
                           "blk.1.ffn_down.weight"}) {
    SmallModel small;
    small.leave_out = name;
    CheckRefused(small, kBad, name);
  }
  CheckRefused({.arch = "qwen2"}, kBad, "attn_q.bias");
}

TEST(tensors_of_another_shape_are_named) {
  // Metadata that disagrees with the tensors, each number being in its range.
  CheckRefused(With("llama.embedding_length", uint32_t{128}), kBad, "token_embd.weight");
  CheckRefused(With("llama.feed_forward_length", uint32_t{512}), kBad, "ffn_gate.weight");
  CheckRefused(With("llama.attention.head_count_kv", uint32_t{4}), kBad, "attn_k.weight");
  CheckRefused(With("llama.block_count", uint32_t{3}), kBad, "blk.2.");
}

TEST(vectors_of_any_type_are_converted_and_matrices_of_numbers_refused) {
  const auto plan_with = [](quant::TensorType vectors) {
    SmallModel small;
    small.vector_type = vectors;
    const auto file = gguf::File::Open(test::WriteSmallModel(small, "arch_test"));
    return file.ok() ? model::BuildPlan(**file) : base::Result<backend::Plan>(file.status());
  };
  const auto floats = [](const backend::Weight& w) {
    std::vector<float> values(w.cols);
    quant::Dequantize(w.type, w.data, values.data(), w.cols);
    return values;
  };
  for (const quant::TensorType type : {quant::TensorType::kF16, quant::TensorType::kBF16, quant::TensorType::kF64,
                                       quant::TensorType::kQ8_0, quant::TensorType::kIQ4_XS}) {
    // The file may be closed: what was converted belongs to the plan, and to every copy of it.
    const auto plan = plan_with(type);
    REQUIRE(plan.ok());
    const backend::Plan copy = *plan;
    const auto norm = [](const backend::Plan& p) {
      return *std::find_if(p.weights.begin(), p.weights.end(),
                           [](const backend::Weight& w) { return w.name == "blk.1.ffn_norm.weight"; });
    };
    CHECK(norm(copy).type == quant::TensorType::kF32);
    CHECK_EQ(copy.converted.size(), size_t{5});
    CHECK_EQ(backend::FindPlanError(copy), "");
    double error = 0;
    for (const float value : floats(norm(copy))) error = std::fmax(error, std::fabs(value - 1.0f));
    CHECK(error > 0.1 && error < 0.25);  // 1 ± 0.17, and what the coarsest type adds
  }
  SmallModel numbers;
  numbers.type = [](const std::string& name) {
    return name == "blk.1.attn_k.weight" ? quant::TensorType::kF64 : quant::TensorType::kQ8_0;
  };
  CheckRefused(numbers, kUnsupported, "blk.1.attn_k.weight is F64");
}

TEST(vocabularies_are_read_and_bad_ones_named) {
  const auto read = [](const SmallModel& small) {
    const auto file = gguf::File::Open(test::WriteSmallModel(small, "arch_test"));
    return file.ok() ? model::ReadVocabulary(**file) : base::Result<tokenizer::VocabularySpec>(file.status());
  };
  const auto spec = read({});
  REQUIRE(spec.ok());
  CHECK_EQ(spec->tokens.size(), size_t{test::kSmallVocabulary});
  CHECK_EQ(spec->bos, 256);
  CHECK_EQ(spec->eos, 257);
  CHECK_EQ(spec->unknown, -1);
  CHECK(!spec->has_add_bos);
  CHECK(spec->kinds[257] == tokenizer::TokenKind::kControl);
  CHECK(!read(With("tokenizer.ggml.eos_token_id", uint32_t{258})).ok());
  CHECK(!read(With("tokenizer.ggml.tokens", uint32_t{1})).ok());
  CHECK(!read(With("tokenizer.ggml.model", uint32_t{1})).ok());
  CHECK(!read(With("tokenizer.ggml.token_type", std::string("x"))).ok());
  const auto none = read(With("tokenizer.ggml.eos_token_id", std::numeric_limits<uint32_t>::max()));
  CHECK(none.ok() && none->eos == -1);
}

ZELL_TEST_MAIN
