#include "addon/step_arguments.h"

#include <optional>

namespace zell::addon {
namespace {

// Above what any caller needs; keeps a mistake from taking the machine's memory.
constexpr uint32_t kMostItems = 4096;
constexpr uint32_t kMostTop = 1000;

runtime::Pooling ReadPooling(Reader& reader, const Napi::Value& value) {
  const std::string name = reader.Text(value, "want.pooled");
  if (name == "mean") return runtime::Pooling::kMean;
  if (name == "last") return runtime::Pooling::kLast;
  if (name == "cls") return runtime::Pooling::kFirst;
  reader.Expect(false, "want.pooled to be mean, last or cls");
  return runtime::Pooling::kNone;
}

runtime::Want ReadWant(Reader& reader, const Napi::Value& value) {
  runtime::Want want;
  const Napi::Object object = reader.Object(value, "want");
  if (!reader.ok()) return want;
  if (const auto v = Reader::Get(object, "sample"); Reader::Has(v)) want.sample = reader.Boolean(v, "want.sample");
  if (const auto v = Reader::Get(object, "topLogprobs"); Reader::Has(v)) {
    want.top_logprobs = reader.Unsigned(v, "want.topLogprobs", kMostTop);
  }
  if (const auto v = Reader::Get(object, "postSampling"); Reader::Has(v)) {
    want.post_sampling = reader.Boolean(v, "want.postSampling");
  }
  if (const auto v = Reader::Get(object, "score"); Reader::Has(v)) want.score = reader.Integers(v, "want.score");
  if (const auto v = Reader::Get(object, "logits"); Reader::Has(v)) want.logits = reader.Boolean(v, "want.logits");
  if (const auto v = Reader::Get(object, "hiddenLayer"); Reader::Has(v)) {
    want.hidden_layer = reader.Unsigned(v, "want.hiddenLayer", 4096);
  }
  if (const auto v = Reader::Get(object, "pooled"); Reader::Has(v)) want.pooled = ReadPooling(reader, v);
  return want;
}

runtime::StepItem ReadItem(Reader& reader, const Napi::Value& value) {
  runtime::StepItem item;
  const Napi::Object object = reader.Object(value, "an item");
  if (!reader.ok()) return item;
  item.sequence = reader.Unsigned(object.Get("sequence"), "an item's sequence");
  item.tokens = reader.Integers(object.Get("tokens"), "an item's tokens");
  reader.Expect(!item.tokens.empty(), "an item's tokens to hold at least one");
  if (const auto v = Reader::Get(object, "parents"); Reader::Has(v)) item.parents = reader.Integers(v, "parents");
  if (const auto v = Reader::Get(object, "adapters"); Reader::Has(v)) item.adapters = ReadAdapters(reader, v);
  if (const auto v = Reader::Get(object, "draft"); Reader::Has(v)) item.draft = reader.Unsigned(v, "draft");
  if (const auto v = Reader::Get(object, "propose"); Reader::Has(v)) item.propose = reader.Unsigned(v, "propose");
  if (const auto v = Reader::Get(object, "leastChance"); Reader::Has(v)) {
    item.least_chance = static_cast<float>(reader.Number(v, "leastChance", 0, 1));
  }
  item.want = ReadWant(reader, object.Get("want"));
  return item;
}

}  // namespace

std::vector<lora::AdapterUse> ReadAdapters(Reader& reader, const Napi::Value& value) {
  std::vector<lora::AdapterUse> adapters;
  reader.Expect(value.IsArray(), "adapters to be an array");
  if (!reader.ok()) return adapters;
  const Napi::Array array = value.As<Napi::Array>();
  reader.Expect(array.Length() <= kMostItems, "no more than 4096 adapters");
  for (uint32_t i = 0; reader.ok() && i < array.Length(); ++i) {
    const Napi::Object object = reader.Object(array.Get(i), "an adapter");
    if (!reader.ok()) break;
    lora::AdapterUse use;
    use.id = reader.Unsigned(object.Get("id"), "an adapter's id");
    use.scale = static_cast<float>(reader.Number(object.Get("scale"), "an adapter's scale", -1e6, 1e6));
    adapters.push_back(use);
  }
  return adapters;
}

std::vector<runtime::StepItem> ReadItems(Reader& reader, const Napi::Value& value) {
  std::vector<runtime::StepItem> items;
  reader.Expect(value.IsArray(), "items to be an array");
  if (!reader.ok()) return items;
  const Napi::Array array = value.As<Napi::Array>();
  reader.Expect(array.Length() <= kMostItems, "no more than 4096 items");
  if (!reader.ok()) return items;
  items.reserve(array.Length());
  for (uint32_t i = 0; reader.ok() && i < array.Length(); ++i) items.push_back(ReadItem(reader, array.Get(i)));
  return items;
}

namespace {

void ReadExpertOptions(Reader& reader, const Napi::Value& value, runtime::ExpertOptions& options) {
  const Napi::Object object = reader.Object(value, "experts");
  if (!reader.ok()) return;
  const Napi::Value cache = object.Get("cacheBytes"), readers = object.Get("readers"), past = object.Get("pastCache"),
                    usual = object.Get("usual");
  if (Reader::Has(cache)) options.cache_bytes = static_cast<uint64_t>(reader.Number(cache, "cacheBytes", 1, 1e18));
  if (Reader::Has(readers)) options.readers = static_cast<uint32_t>(reader.Integer(readers, "readers", 1, 64));
  if (Reader::Has(past)) options.past_cache = reader.Boolean(past, "pastCache");
  if (!Reader::Has(usual)) return;
  reader.Expect(usual.IsArray(), "usual to be a list");
  if (!reader.ok()) return;
  const Napi::Array list = usual.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length() && reader.ok(); ++i) {
    options.usual.push_back(static_cast<float>(reader.Number(list.Get(i), "usual", 0, 1)));
  }
}

}  // namespace

runtime::LoadOptions ReadLoadOptions(Reader& reader, const Napi::Value& value) {
  runtime::LoadOptions options;
  if (!Reader::Has(value)) return options;
  const Napi::Object object = reader.Object(value, "options");
  if (!reader.ok()) return options;
  const auto read = [&](const char* name, uint32_t most, uint32_t& field) {
    const Napi::Value v = object.Get(name);
    if (Reader::Has(v)) field = static_cast<uint32_t>(reader.Integer(v, name, 1, most));
  };
  read("threads", 256, options.threads);
  read("contextLength", 1u << 26, options.context_length);
  read("maxSequences", 4096, options.max_sequences);
  const Napi::Value limit = object.Get("memoryLimit");
  if (Reader::Has(limit)) options.memory_limit = static_cast<uint64_t>(reader.Number(limit, "memoryLimit", 1, 1e18));
  const Napi::Value experts = object.Get("experts");
  if (Reader::Has(experts)) ReadExpertOptions(reader, experts, options.experts);
  const Napi::Value draft_head = object.Get("draftHead");
  if (Reader::Has(draft_head)) options.draft_head = reader.Text(draft_head, "draftHead");
  const Napi::Value kv_type = object.Get("kvType");
  if (Reader::Has(kv_type)) {
    const std::string name = reader.Text(kv_type, "kvType");
    const std::optional<backend::KvType> type = backend::KvTypeOf(name);
    reader.Expect(!reader.ok() || type.has_value(), "kvType to be f16, q8_0, q8q4 or q4_0");
    options.kv_type = type.value_or(backend::KvType::kF16);
  }
  return options;
}

}  // namespace zell::addon
