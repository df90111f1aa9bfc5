#include "gguf/metadata_reader.h"

#include <algorithm>
#include <array>
#include <limits>

#include "gguf/limits.h"

namespace zell::gguf {
namespace {

using base::Status;

/// Bytes of one element in the file; of a string its length field. 0 for arrays and unknown types.
uint64_t BytesInFile(ValueType type) {
  switch (type) {
    case ValueType::kU8:
    case ValueType::kI8:
    case ValueType::kBool:
      return 1;
    case ValueType::kU16:
    case ValueType::kI16:
      return 2;
    case ValueType::kU32:
    case ValueType::kI32:
    case ValueType::kF32:
      return 4;
    case ValueType::kU64:
    case ValueType::kI64:
    case ValueType::kF64:
    case ValueType::kString:
      return 8;
    case ValueType::kArray:
      return 0;
  }
  return 0;
}

struct Context {
  Cursor& cursor;
  std::string_view key;
  uint64_t* memory;

  Status Fail(const std::string& what) const {
    return BadFile("metadata " + Quoted(key) + ": " + what, cursor.position());
  }
  Status Charge(uint64_t bytes) const {
    if (bytes > *memory) return Fail("the metadata takes more than 512 MiB of memory");
    *memory -= bytes;
    return Status::Ok();
  }
};

template <typename InFile, typename Kept>
Status ReadOne(Context& context, Kept* out) {
  InFile value{};
  ZELL_RETURN_IF_ERROR(context.cursor.ReadNumber(&value, "metadata value"));
  *out = value;
  return Status::Ok();
}

Status ReadBool(Context& context, bool* out) {
  uint8_t byte = 0;
  ZELL_RETURN_IF_ERROR(context.cursor.ReadNumber(&byte, "metadata value"));
  if (byte > 1) return context.Fail("a truth value is neither 0 nor 1");
  *out = byte == 1;
  return Status::Ok();
}

Status ReadText(Context& context, std::string* out) {
  ZELL_RETURN_IF_ERROR(context.cursor.ReadString(out, *context.memory, "metadata value"));
  return context.Charge(out->size());
}

template <typename InFile, typename Kept>
Status ReadScalar(Context& context, Value* out) {
  Kept value{};
  ZELL_RETURN_IF_ERROR((ReadOne<InFile, Kept>(context, &value)));
  *out = value;
  return Status::Ok();
}

template <typename InFile, typename Kept>
Status ReadNumbers(Context& context, uint64_t count, Value* out) {
  ZELL_RETURN_IF_ERROR(context.Charge(count * sizeof(Kept)));  // no overflow: the file holds them
  std::vector<Kept> values(static_cast<size_t>(count));
  std::array<InFile, 1024> chunk;
  for (size_t done = 0; done < values.size();) {
    const size_t n = std::min(chunk.size(), values.size() - done);
    ZELL_RETURN_IF_ERROR(
        context.cursor.Read({reinterpret_cast<uint8_t*>(chunk.data()), n * sizeof(InFile)}, "metadata array"));
    std::copy_n(chunk.begin(), n, values.begin() + static_cast<ptrdiff_t>(done));
    done += n;
  }
  *out = std::move(values);
  return Status::Ok();
}

Status ReadStrings(Context& context, uint64_t count, Value* out) {
  static_assert(kMaxHeaderBytes < std::numeric_limits<uint32_t>::max());
  ZELL_RETURN_IF_ERROR(context.Charge(count * sizeof(uint32_t)));
  std::string text;
  std::vector<uint32_t> ends;
  ends.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    const size_t before = text.size();
    ZELL_RETURN_IF_ERROR(context.cursor.AppendString(&text, *context.memory, "metadata value"));
    ZELL_RETURN_IF_ERROR(context.Charge(text.size() - before));
    ends.push_back(static_cast<uint32_t>(text.size()));
  }
  *out = base::StringList(std::move(text), std::move(ends));
  return Status::Ok();
}

Status ReadBools(Context& context, uint64_t count, Value* out) {
  ZELL_RETURN_IF_ERROR(context.Charge(count));
  std::vector<bool> values;
  values.reserve(static_cast<size_t>(count));
  for (uint64_t i = 0; i < count; ++i) {
    bool value = false;
    ZELL_RETURN_IF_ERROR(ReadBool(context, &value));
    values.push_back(value);
  }
  *out = std::move(values);
  return Status::Ok();
}

Status ReadArray(Context& context, Value* out) {
  uint32_t raw_type = 0;
  uint64_t count = 0;
  ZELL_RETURN_IF_ERROR(context.cursor.ReadNumber(&raw_type, "metadata array"));
  const ValueType type{raw_type};
  if (type == ValueType::kArray) return context.Fail("an array of arrays is not supported");
  const uint64_t element = BytesInFile(type);
  if (element == 0) return context.Fail("unknown array type " + std::to_string(raw_type));
  ZELL_RETURN_IF_ERROR(context.cursor.ReadNumber(&count, "metadata array"));
  if (count > context.cursor.remaining() / element) {
    return context.Fail("an array of " + std::to_string(count) + " elements, but only " +
                        std::to_string(context.cursor.remaining()) + " bytes are left");
  }
  switch (type) {
    case ValueType::kU8:
      return ReadNumbers<uint8_t, uint64_t>(context, count, out);
    case ValueType::kI8:
      return ReadNumbers<int8_t, int64_t>(context, count, out);
    case ValueType::kU16:
      return ReadNumbers<uint16_t, uint64_t>(context, count, out);
    case ValueType::kI16:
      return ReadNumbers<int16_t, int64_t>(context, count, out);
    case ValueType::kU32:
      return ReadNumbers<uint32_t, uint64_t>(context, count, out);
    case ValueType::kI32:
      return ReadNumbers<int32_t, int64_t>(context, count, out);
    case ValueType::kU64:
      return ReadNumbers<uint64_t, uint64_t>(context, count, out);
    case ValueType::kI64:
      return ReadNumbers<int64_t, int64_t>(context, count, out);
    case ValueType::kF32:
      return ReadNumbers<float, double>(context, count, out);
    case ValueType::kF64:
      return ReadNumbers<double, double>(context, count, out);
    case ValueType::kBool:
      return ReadBools(context, count, out);
    case ValueType::kString:
      return ReadStrings(context, count, out);
    case ValueType::kArray:
      break;
  }
  return context.Fail("unknown array type");
}

}  // namespace

Status ReadValue(Cursor& cursor, std::string_view key, uint64_t* memory, Value* out) {
  Context context{cursor, key, memory};
  uint32_t raw_type = 0;
  ZELL_RETURN_IF_ERROR(cursor.ReadNumber(&raw_type, "metadata type"));
  ZELL_RETURN_IF_ERROR(context.Charge(sizeof(std::pair<std::string, Value>) + key.size()));
  switch (ValueType{raw_type}) {
    case ValueType::kU8:
      return ReadScalar<uint8_t, uint64_t>(context, out);
    case ValueType::kI8:
      return ReadScalar<int8_t, int64_t>(context, out);
    case ValueType::kU16:
      return ReadScalar<uint16_t, uint64_t>(context, out);
    case ValueType::kI16:
      return ReadScalar<int16_t, int64_t>(context, out);
    case ValueType::kU32:
      return ReadScalar<uint32_t, uint64_t>(context, out);
    case ValueType::kI32:
      return ReadScalar<int32_t, int64_t>(context, out);
    case ValueType::kU64:
      return ReadScalar<uint64_t, uint64_t>(context, out);
    case ValueType::kI64:
      return ReadScalar<int64_t, int64_t>(context, out);
    case ValueType::kF32:
      return ReadScalar<float, double>(context, out);
    case ValueType::kF64:
      return ReadScalar<double, double>(context, out);
    case ValueType::kBool: {
      bool value = false;
      ZELL_RETURN_IF_ERROR(ReadBool(context, &value));
      *out = value;
      return Status::Ok();
    }
    case ValueType::kString: {
      std::string value;
      ZELL_RETURN_IF_ERROR(ReadText(context, &value));
      *out = std::move(value);
      return Status::Ok();
    }
    case ValueType::kArray:
      return ReadArray(context, out);
  }
  return context.Fail("unknown type " + std::to_string(raw_type));
}

}  // namespace zell::gguf
