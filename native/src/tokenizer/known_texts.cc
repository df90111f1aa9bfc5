// The lists of known texts.
#include "tokenizer/known_texts.h"

namespace zell::tokenizer::internal {
namespace {

using Text = std::string_view;

constexpr Text kEot[] = {"<|eot_id|>",           "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>",
                         "<|end_of_text|>",      "<EOT>",      "_<EOT>",  "[EOT]",         "<end_of_utterance>",
                         "<｜end▁of▁sentence｜>"};
constexpr Text kEom[] = {"<|eom_id|>"};
constexpr Text kFimPrefix[] = {"<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>",    "<｜fim▁begin｜>",
                               "<PRE>",          "▁<PRE>",       "<|code_prefix|>", "<|prefix|>"};
constexpr Text kFimSuffix[] = {"<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>",    "<｜fim▁hole｜>",
                               "<SUF>",          "▁<SUF>",       "<|code_suffix|>", "<|suffix|>"};
constexpr Text kFimMiddle[] = {"<|fim_middle|>", "<fim-middle>", "<fim_middle>",    "<｜fim▁end｜>",
                               "<MID>",          "▁<MID>",       "<|code_middle|>", "<|middle|>"};
constexpr Text kFimPad[] = {"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]"};
constexpr Text kFimRepo[] = {"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>"};
constexpr Text kFimSeparator[] = {"<|file_sep|>"};
constexpr Text kEndOfGeneration[] = {"<|eot_id|>",
                                     "<|im_end|>",
                                     "<|end|>",
                                     "<|return|>",
                                     "<|call|>",
                                     "<|flush|>",
                                     "<|calls|>",
                                     "<end_of_turn>",
                                     "<|endoftext|>",
                                     "</s>",
                                     "<|eom_id|>",
                                     "<EOT>",
                                     "_<EOT>",
                                     "[EOT]",
                                     "[EOS]",
                                     "<|end_of_text|>",
                                     "<end_of_utterance>",
                                     "<eos>",
                                     "<turn|>",
                                     "<|tool_response>",
                                     "<｜end▁of▁sentence｜>",
                                     "[e~["};

constexpr KnownTexts kKnownTexts{kEot,    kEom,     kFimPrefix,    kFimSuffix,      kFimMiddle,
                                 kFimPad, kFimRepo, kFimSeparator, kEndOfGeneration};

}  // namespace

const KnownTexts& GetKnownTexts() { return kKnownTexts; }

}  // namespace zell::tokenizer::internal
