// NativeModel's blocks on disk: saved and read on threads of their own, beside running steps.
#include "addon/classes.h"
#include "addon/model_object.h"
#include "addon/reader.h"
#include "addon/step_arguments.h"
#include "addon/task.h"

namespace zell::addon {
namespace {

// One block holds 32 tokens; no context comes near this.
constexpr uint32_t kMostBlocks = 1 << 20;
constexpr uint32_t kMostRanges = 4096;

// Eight little-endian bytes each.
std::vector<uint64_t> Seeds(Reader& reader, const Napi::Value& value) {
  const std::vector<uint8_t> bytes = reader.Bytes(value, "seeds");
  reader.Expect(!bytes.empty() && bytes.size() % 8 == 0 && bytes.size() / 8 <= kMostBlocks,
                "seeds to hold 8 bytes for each block");
  std::vector<uint64_t> seeds(reader.ok() ? bytes.size() / 8 : 0);
  for (size_t i = 0; i < seeds.size() * 8; ++i) seeds[i / 8] |= uint64_t{bytes[i]} << (i % 8 * 8);
  return seeds;
}

std::vector<kv::BlockRange> Ranges(Reader& reader, const Napi::Value& value) {
  std::vector<kv::BlockRange> ranges;
  reader.Expect(value.IsArray() && value.As<Napi::Array>().Length() <= kMostRanges, "ranges to be an array");
  if (!reader.ok()) return ranges;
  const Napi::Array array = value.As<Napi::Array>();
  for (uint32_t i = 0; reader.ok() && i < array.Length(); ++i) {
    const Napi::Object object = reader.Object(array.Get(i), "a range");
    if (!reader.ok()) break;
    kv::BlockRange range;
    range.path = reader.Text(Reader::Get(object, "path"), "path");
    range.header_bytes = reader.Unsigned(Reader::Get(object, "headerBytes"), "headerBytes");
    range.blocks_in_file = reader.Unsigned(Reader::Get(object, "blocksInFile"), "blocksInFile", kMostBlocks);
    range.first = reader.Unsigned(Reader::Get(object, "first"), "first", kMostBlocks);
    range.count = reader.Unsigned(Reader::Get(object, "count"), "count", kMostBlocks);
    ranges.push_back(std::move(range));
  }
  return ranges;
}

}  // namespace

Napi::Value ModelObject::SaveBlocks(const Napi::CallbackInfo& info) {
  Reader reader("saveBlocks");
  const uint32_t sequence = reader.Unsigned(info[0], "sequence");
  const uint32_t first = reader.Unsigned(info[1], "first", kMostBlocks);
  const std::string path = reader.Text(info[2], "path");
  const std::vector<uint8_t> header = reader.Bytes(info[3], "header");
  const std::vector<uint64_t> seeds = Seeds(reader, info[4]);
  if (!IsOpen(reader)) return Reject(info.Env(), reader.status());
  // A fork holds the blocks, whatever happens to the sequence meanwhile.
  const uint64_t end = (uint64_t{first} + seeds.size()) * engine_->Usage().block_tokens;
  const base::Result<uint32_t> fork = engine_->Fork(sequence, static_cast<uint32_t>(end));
  if (!fork.ok()) return Reject(info.Env(), fork.status());
  return RunTask(info.Env(), "zell save", [=, id = *fork, engine = engine_](TaskContext&) mutable -> TaskResult {
    const base::Status status = engine->SaveBlocks(id, first, path, header, seeds);
    engine->FreeSequence(id);
    engine.reset();
    return [status](Napi::Env env, bool& rejected) -> Napi::Value {
      rejected = !status.ok();
      return rejected ? ToError(env, status) : env.Undefined();
    };
  });
}

Napi::Value ModelObject::RestoreBlocks(const Napi::CallbackInfo& info) {
  Reader reader("restoreBlocks");
  const std::vector<kv::BlockRange> ranges = Ranges(reader, info[0]);
  const std::vector<uint64_t> seeds = Seeds(reader, info[1]);
  std::vector<lora::AdapterUse> adapters;
  if (Reader::Has(info[2])) adapters = ReadAdapters(reader, info[2]);
  if (!IsOpen(reader)) return Reject(info.Env(), reader.status());
  const base::Result<uint32_t> sequence = engine_->BeginRestore(static_cast<uint32_t>(seeds.size()), adapters);
  if (!sequence.ok()) return Reject(info.Env(), sequence.status());
  return RunTask(info.Env(), "zell restore", [=, id = *sequence, engine = engine_](TaskContext&) mutable -> TaskResult {
    const uint32_t tokens = engine->FinishRestore(id, ranges, seeds);
    engine.reset();
    return [id, tokens](Napi::Env env, bool&) -> Napi::Value {
      Napi::Object object = Napi::Object::New(env);
      object.Set("sequence", Napi::Number::New(env, id));
      object.Set("tokens", Napi::Number::New(env, tokens));
      return object;
    };
  });
}

}  // namespace zell::addon
