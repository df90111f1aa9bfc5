#include "runtime/summary.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "backend/plan_rewrite.h"
#include "base/sha256.h"
#include "kv/cache.h"
#include "model/arch/arch.h"
#include "model/vocabulary.h"
#include "runtime/streamable.h"

namespace zell::runtime {
namespace {

uint32_t Number(const gguf::File& file, const std::string& key) {
  const uint64_t value = file.U64(key).value_or(0);
  return value <= UINT32_MAX ? static_cast<uint32_t>(value) : 0;
}

// The tensor type that most weights have.
std::string MostCommonType(const gguf::File& file) {
  std::map<quant::TensorType, uint64_t> weights;
  for (const gguf::TensorInfo& tensor : file.tensors()) weights[tensor.type] += tensor.n_weights;
  const auto most = std::max_element(weights.begin(), weights.end(),
                                     [](const auto& a, const auto& b) { return a.second < b.second; });
  return most == weights.end() ? "" : quant::InfoOf(most->first).name;
}

std::string NameOf(const std::string& path) {
  std::string name = std::filesystem::path(path).filename().string();
  if (name.ends_with(".gguf")) name.resize(name.size() - 5);
  return name;
}

std::string TextOf(const tokenizer::VocabularySpec& spec, tokenizer::Token token) {
  const bool known = token >= 0 && static_cast<size_t>(token) < spec.tokens.size();
  return std::string(known ? spec.tokens[static_cast<size_t>(token)] : std::string_view());
}

std::vector<tokenizer::Token> EndsOf(const tokenizer::VocabularySpec& spec) {
  std::vector<tokenizer::Token> ends;
  for (const tokenizer::Token token : {spec.eos, spec.eot, spec.eom}) {
    if (token >= 0 && std::find(ends.begin(), ends.end(), token) == ends.end()) ends.push_back(token);
  }
  std::sort(ends.begin(), ends.end());
  return ends;
}

std::string HashOf(const std::string& text) {
  base::Sha256 hash;
  hash.Update({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return base::ToHex(hash.Finish()).substr(0, 16);
}

void DescribeVocabulary(const gguf::File& file, const tokenizer::Tokenizer* tokenizer, Summary& s) {
  tokenizer::VocabularySpec raw;
  const tokenizer::VocabularySpec* spec = tokenizer != nullptr ? &tokenizer->spec() : &raw;
  if (tokenizer == nullptr) {
    base::Result<tokenizer::VocabularySpec> read = model::ReadVocabulary(file);
    if (read.ok()) raw = std::move(*read);
  }
  s.bos_text = TextOf(*spec, spec->bos);
  s.eos_text = TextOf(*spec, spec->eos);
  s.vocabulary_size = static_cast<uint32_t>(spec->tokens.size());
  if (tokenizer != nullptr) {
    const auto ends = tokenizer->EndOfGeneration();
    s.end_of_generation.assign(ends.begin(), ends.end());
    // A token in the middle shows what goes before it and what after.
    std::vector<tokenizer::Token> framed{-1};
    tokenizer->AddAffixes(&framed);
    const auto middle = std::find(framed.begin(), framed.end(), -1);
    s.before_text.assign(framed.begin(), middle);
    s.after_text.assign(middle + 1, framed.end());
  } else {
    s.end_of_generation = EndsOf(*spec);
  }
  s.vocabulary = *spec;
  s.vocabulary.tokens.clear();
  s.vocabulary.scores.clear();
  s.vocabulary.kinds.clear();
  s.vocabulary.merges.clear();
}

// The memory that a plan would take; of an unknown architecture only its weights are known.
MemoryPlan MemoryFor(const gguf::File& file, const LoadOptions& options, ExpertLayout& experts) {
  const base::MemoryInfo memory = base::GetMemoryInfo();
  base::Result<backend::Plan> plan = model::BuildPlan(file);
  ModelNeeds needs;
  needs.weights_bytes = file.total_bytes();
  needs.sequences = options.max_sequences;
  if (!plan.ok()) return PlanMemory(needs, memory, options.memory_limit);
  backend::Fuse(*plan);
  for (backend::KvGroup& group : plan->kv_groups) group.type = options.kv_type, group.rotated = options.kv_rotation;
  base::Result<std::unique_ptr<backend::Executor>> executor = backend::MakeCpuBackend(1)->Compile(*plan);
  const uint64_t scratch = executor.ok() ? (*executor)->ScratchBytes(backend::kMaxBatchTokens) : 0;
  const Streamable streamable = FindStreamable(*plan, file);
  needs = NeedsOf(*plan, streamable.banks, streamable.turns, file.total_bytes(), scratch);
  experts = LayoutOf(streamable.banks);
  needs.context = ContextFor(options, plan->context_length);
  needs.sequences = options.max_sequences;
  needs.most_cache_bytes = options.experts.cache_bytes;
  return PlanMemory(needs, memory, options.memory_limit);
}

}  // namespace

ExpertLayout LayoutOf(const std::vector<stream::Bank>& banks) {
  ExpertLayout layout;
  layout.layers = static_cast<uint32_t>(banks.size());
  layout.count = stream::CountExperts(banks);
  for (const stream::Bank& bank : banks) layout.per_token += bank.used;
  layout.bytes = stream::ExpertBytes(banks);
  layout.slot_bytes = stream::SlotBytes(banks);
  return layout;
}

int ThreadsFor(const LoadOptions& options) {
  return options.threads > 0 ? static_cast<int>(std::min(options.threads, 256u)) : base::PhysicalCores();
}

uint32_t ContextFor(const LoadOptions& options, uint32_t model_context) {
  return options.context_length > 0 ? std::min(options.context_length, model_context) : model_context;
}

base::Result<Summary> Summarize(std::shared_ptr<const gguf::File> file, const tokenizer::Tokenizer* tokenizer) {
  Summary s;
  s.file = file;
  std::error_code ignored;
  s.path = std::filesystem::absolute(file->paths()[0], ignored).string();
  s.name = NameOf(s.path);
  base::Result<std::string> hash = file->ModelHash();
  if (!hash.ok()) return hash.status();
  s.model_hash = *hash;
  s.architecture = file->Str("general.architecture").value_or("");
  for (const gguf::TensorInfo& tensor : file->tensors()) s.parameters += tensor.n_weights;
  s.quantization = MostCommonType(*file);
  s.token_work = WorkOfToken(*file);
  s.context_length = Number(*file, s.architecture + ".context_length");
  s.embedding_length = Number(*file, s.architecture + ".embedding_length");
  s.layers = Number(*file, s.architecture + ".block_count");
  DescribeVocabulary(*file, tokenizer, s);
  s.chat_template = file->Str("tokenizer.chat_template").value_or("");
  if (!s.chat_template.empty()) s.template_hash = HashOf(s.chat_template);
  return s;
}

base::Result<Summary> Inspect(const std::string& path, const LoadOptions& options) {
  base::Result<std::shared_ptr<const gguf::File>> file = gguf::File::Open(path);
  if (!file.ok()) return file.status();
  std::unique_ptr<tokenizer::Tokenizer> tokenizer;
  if (base::Result<tokenizer::VocabularySpec> spec = model::ReadVocabulary(**file); spec.ok()) {
    if (auto created = tokenizer::Tokenizer::Create(std::move(*spec)); created.ok()) tokenizer = std::move(*created);
  }
  base::Result<Summary> summary = Summarize(*file, tokenizer.get());
  if (summary.ok()) summary->memory = MemoryFor(**file, options, summary->experts);
  return summary;
}

}  // namespace zell::runtime
