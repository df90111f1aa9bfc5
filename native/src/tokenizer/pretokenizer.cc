// The table of pre-tokenizers: to add one, add a row (and a splitter, when none of the existing ones fits).
#include "tokenizer/pretokenizer.h"

namespace zell::tokenizer::internal {
namespace {

using Row = Pretokenizer;
using Name = std::string_view;

constexpr Name kEndOfText = "<|endoftext|>";

constexpr Row Make(Name name, std::array<Splitter, 6> stages) {
  Row row{};
  row.name = name;
  row.stages = stages;
  row.bos_text = row.eos_text = kEndOfText;
  return row;
}
constexpr Row IgnoringMerges(Row row) {
  row.ignore_merges = true;
  return row;
}
constexpr Row AddingBos(Row row, Name bos, Name eos) {
  row.add_bos = true;
  row.bos_text = bos;
  row.eos_text = eos;
  return row;
}
constexpr Row AddingSeparator(Row row) {
  row.add_separator = true;
  return row;
}
/// Decoding tidies the spaces before punctuation.
constexpr Row Cleaning(Row row) {
  row.clean_spaces = true;
  return row;
}

constexpr Row Gpt2(Name name) { return Make(name, {SplitGpt2}); }
constexpr Row DigitsThenGpt2(Name name) { return Make(name, {SplitDigits, SplitGpt2}); }
constexpr Row Llama3(Name name) {
  return Cleaning(IgnoringMerges(AddingBos(Make(name, {SplitLlama3}), "<|begin_of_text|>", "<|end_of_text|>")));
}
/// The same words as llama-bpe, but neither its BOS nor its whole-word rule.
constexpr Row Llama3Words(Name name) { return Cleaning(Make(name, {SplitLlama3})); }
constexpr Row Qwen2(Name name) { return Make(name, {SplitQwen2}); }
constexpr Row Deepseek3(Name name) {
  Row row = Make(name, {SplitDigitTriples, SplitHanAndKana, SplitDeepseek3});
  row.bos_text = "<｜begin▁of▁sentence｜>";
  row.eos_text = "<｜end▁of▁sentence｜>";
  return row;
}
constexpr Row Gpt4o(Name name) { return Make(name, {SplitGpt4o}); }
constexpr Row Poro(Name name) { return Make(name, {SplitPoro}); }
constexpr Row TinyAya(Name name) { return Make(name, {SplitTrailingThousands, SplitTinyAya}); }
/// Merges run over whole lines.
constexpr Row EscapedSpaces(Name name, bool gemma) {
  Row row = Make(name, {SplitLines});
  row.spelling = Spelling::kEscapedSpaces;
  row.ignore_merges_of_lines = row.always_add_bos = row.clean_spaces = gemma;
  row.bos_text = "<bos>";
  row.eos_text = "<eos>";
  return row;
}
constexpr Row Whitespace(Name name) {
  Row row = Cleaning(Make(name, {SplitNonSpace}));
  row.spelling = Spelling::kPlain;
  return row;
}

constexpr Row kTable[] = {
    Cleaning(Make("default", {SplitDefaultPunctuation, SplitGpt2, SplitNumbers, SplitAsciiTriples})),
    Cleaning(Gpt2("gpt-2")),
    Cleaning(Gpt2("phi-2")),
    Cleaning(Gpt2("gigachat")),
    Cleaning(Gpt2("a.x-4.0")),
    Cleaning(Gpt2("mellum")),
    Cleaning(Gpt2("modern-bert")),
    Cleaning(Gpt2("jina-es")),
    Cleaning(Gpt2("jina-de")),
    Cleaning(Gpt2("jina-v2-es")),
    Cleaning(Gpt2("jina-v2-de")),
    AddingSeparator(Cleaning(Gpt2("jina-v1-en"))),
    AddingSeparator(Cleaning(Gpt2("jina-v2-code"))),
    AddingSeparator(Cleaning(Gpt2("roberta-bpe"))),
    Cleaning(Gpt2("mpt")),
    Cleaning(Gpt2("olmo")),
    Cleaning(Gpt2("jais")),
    Cleaning(Gpt2("exaone4")),
    Gpt2("trillion"),
    Gpt2("granite-docling"),
    DigitsThenGpt2("smollm"),
    DigitsThenGpt2("command-r"),
    Cleaning(DigitsThenGpt2("starcoder")),
    Cleaning(DigitsThenGpt2("refact")),
    Cleaning(DigitsThenGpt2("codeshell")),
    Cleaning(DigitsThenGpt2("exaone")),
    Cleaning(DigitsThenGpt2("minerva-7b")),
    Cleaning(DigitsThenGpt2("mellum2")),
    Llama3("llama-bpe"),
    Llama3("llama3"),
    Llama3("llama-v3"),
    Llama3("falcon3"),
    Llama3("falcon-h1"),
    Llama3("pixtral"),
    Llama3("midm-2.0"),
    Llama3("lfm2"),
    Llama3("jina-v5-nano"),
    Llama3Words("dbrx"),
    Llama3Words("smaug-bpe"),
    Llama3Words("glm4"),
    Llama3Words("chatglm-bpe"),
    Cleaning(Make("jais-2", {SplitJais2})),
    Cleaning(IgnoringMerges(Make("minicpm5", {SplitDigitTriples, SplitMinicpm5}))),
    Qwen2("qwen2"),
    Qwen2("deepseek-r1-qwen"),
    Qwen2("kormo"),
    Qwen2("f2llmv2"),
    Cleaning(Qwen2("megrez")),
    Cleaning(Qwen2("stablelm2")),
    Qwen2("hunyuan"),
    Qwen2("solar-open"),
    Qwen2("grok-2"),
    Qwen2("bailingmoe"),
    Qwen2("bailingmoe2"),
    Qwen2("llada-moe"),
    Make("qwen35", {SplitQwen35}),
    Make("ufakzeka", {SplitUfakzeka}),
    Make("seed-coder", {SplitSeedCoder}),
    Make("laguna", {SplitLines, SplitQwen2}),
    Cleaning(Make("exaone-moe", {SplitExaoneMoe})),
    Make("deepseek-llm", {SplitBreaks, SplitDeepseekLetters, SplitDeepseekPunctuation, SplitFinalSpace,
                          SplitDeepseekScripts, SplitNumbers}),
    Make("deepseek-coder",
         {SplitBreaks, SplitSpacedLetters, SplitSpacedPunctuation, SplitDeepseekScripts, SplitDigits}),
    Deepseek3("deepseek-v3"),
    Deepseek3("hunyuan-dense"),
    Deepseek3("joyai-llm"),
    Deepseek3("hy_v4"),
    Make("spark2_5", {SplitDigitTriples, SplitHanAndKana, SplitSpark, SplitDigits}),
    Make("afmoe", {SplitTrailingThousands, SplitAfmoeScripts, SplitDeepseek3}),
    IgnoringMerges(Make("youtu", {SplitYoutuScripts, SplitYoutu})),
    Cleaning(Make("falcon", {SplitFalconPunctuation, SplitGpt2, SplitAsciiTriples})),
    Poro("poro-chat"),
    Cleaning(Poro("bloom")),
    Cleaning(Poro("gpt3-finnish")),
    Make("viking", {SplitPoro, SplitDigits}),
    IgnoringMerges(AddingBos(Make("tekken", {SplitTekken}), "<s>", "</s>")),
    AddingBos(Make("chameleon",
                   {SplitSentinels, SplitImageTokens, SplitIndents, SplitDigits, SplitEachPunctuation, SplitGpt2}),
              "<s>", "</s>"),
    Gpt4o("gpt-4o"),
    Gpt4o("llama4"),
    Gpt4o("kanana2"),
    Gpt4o("talkie"),
    Gpt4o("minimax-m2"),
    IgnoringMerges(Make("granite-embed-multi-97m", {SplitGpt4oMarks})),
    TinyAya("tiny_aya"),
    TinyAya("cohere2moe"),
    Make("kimi-k2", {SplitKimiK2}),
    Make("superbpe", {SplitNumbers, SplitThousands}),
    EscapedSpaces("gemma4", true),
    EscapedSpaces("granite-embed-multi-311m", true),
    EscapedSpaces("sarvam-moe", false),
    Whitespace("whitespace"),
};

}  // namespace

void Pretokenizer::Split(std::string_view text, std::vector<uint32_t>* ends, std::vector<uint32_t>* scratch) const {
  ends->clear();
  if (!text.empty()) stages[0](text, 0, ends);
  for (size_t i = 1; i < stages.size() && stages[i] != nullptr; ++i) {
    scratch->clear();
    uint32_t begin = 0;
    for (const uint32_t end : *ends) {
      stages[i](text.substr(0, end), begin, scratch);
      begin = end;
    }
    ends->swap(*scratch);
  }
}

const Pretokenizer* FindPretokenizer(std::string_view name) {
  if (name.empty()) name = "default";
  for (const Pretokenizer& row : kTable) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

std::span<const Pretokenizer> AllPretokenizers() { return kTable; }

}  // namespace zell::tokenizer::internal
