// The table of pre-tokenizers: to add one, add a row (and a splitter, when none of the existing ones fits).
#include "tokenizer/pretokenizer.h"

namespace zell::tokenizer::internal {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

constexpr Pretokenizer Gpt2(std::string_view name) { return {name, SplitGpt2, false, false, kEndOfText, kEndOfText}; }
constexpr Pretokenizer DigitsThenGpt2(std::string_view name) {
  return {name, SplitDigitsThenGpt2, false, false, kEndOfText, kEndOfText};
}
constexpr Pretokenizer Llama3(std::string_view name) {
  return {name, SplitLlama3, true, true, "<|begin_of_text|>", "<|end_of_text|>"};
}
/// The same words as llama-bpe, but neither its BOS nor its whole-word rule.
constexpr Pretokenizer Llama3Words(std::string_view name) {
  return {name, SplitLlama3, false, false, kEndOfText, kEndOfText};
}
constexpr Pretokenizer Qwen2(std::string_view name) { return {name, SplitQwen2, false, false, kEndOfText, kEndOfText}; }

constexpr Pretokenizer kTable[] = {
    Gpt2("gpt-2"),
    Gpt2("phi-2"),
    Gpt2("gigachat"),
    Gpt2("a.x-4.0"),
    Gpt2("mellum"),
    Gpt2("mpt"),
    Gpt2("olmo"),
    Gpt2("jais"),
    Gpt2("trillion"),
    Gpt2("granite-docling"),
    Gpt2("exaone4"),
    DigitsThenGpt2("smollm"),
    DigitsThenGpt2("starcoder"),
    DigitsThenGpt2("refact"),
    DigitsThenGpt2("command-r"),
    DigitsThenGpt2("codeshell"),
    DigitsThenGpt2("exaone"),
    DigitsThenGpt2("minerva-7b"),
    DigitsThenGpt2("mellum2"),
    Llama3("llama-bpe"),
    Llama3("llama3"),
    Llama3("llama-v3"),
    Llama3("falcon3"),
    Llama3("falcon-h1"),
    Llama3("pixtral"),
    Llama3("midm-2.0"),
    Llama3("lfm2"),
    Llama3Words("dbrx"),
    Llama3Words("smaug-bpe"),
    Llama3Words("glm4"),
    Llama3Words("chatglm-bpe"),
    Qwen2("qwen2"),
    Qwen2("deepseek-r1-qwen"),
    Qwen2("kormo"),
    Qwen2("f2llmv2"),
    Qwen2("megrez"),
    Qwen2("stablelm2"),
    Qwen2("hunyuan"),
    Qwen2("solar-open"),
    Qwen2("grok-2"),
    {"qwen35", SplitQwen35, false, false, kEndOfText, kEndOfText},
};

}  // namespace

const Pretokenizer* FindPretokenizer(std::string_view name) {
  for (const Pretokenizer& row : kTable) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

}  // namespace zell::tokenizer::internal
