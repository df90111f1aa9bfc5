// What a GGUF file says about itself, and whether it fits this machine.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backend/plan.h"
#include "gguf/file.h"
#include "runtime/memory_plan.h"
#include "runtime/token_work.h"
#include "tokenizer/tokenizer.h"

namespace zell::runtime {

/// How experts that stay on the disk are kept and read; what a profile has found best.
struct ExpertOptions {
  uint64_t cache_bytes = 0;  ///< most memory for them; 0: as MemoryPlan has it
  uint32_t readers = 0;      ///< threads that read; 0: as it suits most disks
  bool past_cache = true;    ///< false: through the system's cache
  std::vector<float> usual;  ///< share of tokens that used each expert in the past, layer by layer; empty: unknown
};

struct LoadOptions {
  uint32_t threads = 0;         ///< 0: physical cores
  uint32_t context_length = 0;  ///< 0: the model's own; more than that is cut to it
  uint32_t max_sequences = 8;
  backend::KvType kv_type = backend::KvType::kF16;
  bool kv_rotation = true;      ///< false to measure what it is good for
  std::string draft_head = {};  ///< path of a draft head for this model; empty: none
  uint64_t memory_limit = 0;    ///< bytes that the model may use of the available memory; 0: all
  ExpertOptions experts = {};
};

/// Experts that may stay on the disk; all 0 where there are none.
struct ExpertLayout {
  uint32_t layers = 0;      ///< that have experts
  uint64_t count = 0;       ///< of all layers
  uint64_t per_token = 0;   ///< that one token uses in all layers
  uint64_t bytes = 0;       ///< of all of them
  uint64_t slot_bytes = 0;  ///< a place in memory for any of them
};

/// ModelSummary of protocol/src/engine.ts. Metadata itself stays in `file`.
struct Summary {
  std::shared_ptr<const gguf::File> file;
  std::string path;
  std::string name;
  std::string model_hash;
  std::string architecture;
  uint64_t parameters = 0;
  std::string quantization;
  uint32_t context_length = 0;
  uint32_t embedding_length = 0;
  uint32_t layers = 0;
  uint32_t vocabulary_size = 0;
  /// After the tokenizer filled in defaults, if it knows the vocabulary; without the token texts.
  tokenizer::VocabularySpec vocabulary;
  std::vector<tokenizer::Token> end_of_generation;
  /// What the vocabulary puts around a whole text; both empty without a tokenizer.
  std::vector<tokenizer::Token> before_text, after_text;
  std::string bos_text, eos_text;
  std::string chat_template;  ///< empty: none
  std::string template_hash;
  MemoryPlan memory;
  ExpertLayout experts;
  uint32_t draft_exit = 0;    ///< layers before the draft head that is in use; 0: none is
  std::string draft_refused;  ///< why the one that was asked for is not
  TokenWork token_work;
};

/// Opens the file and reads everything but the weights. An architecture or tokenizer that Zell does not know is no
/// error here: loading says so.
/// @errors as gguf::File::Open.
base::Result<Summary> Inspect(const std::string& path, const LoadOptions& options);

/// The parts that loading and inspecting share. `tokenizer` may be null.
base::Result<Summary> Summarize(std::shared_ptr<const gguf::File> file, const tokenizer::Tokenizer* tokenizer);

ExpertLayout LayoutOf(const std::vector<stream::Bank>& banks);

/// Threads in force for these options.
int ThreadsFor(const LoadOptions& options);
/// Context in force for a model made for `model_context`.
uint32_t ContextFor(const LoadOptions& options, uint32_t model_context);

}  // namespace zell::runtime
