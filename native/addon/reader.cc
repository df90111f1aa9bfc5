#include "addon/reader.h"

#include <cmath>

namespace zell::addon {
namespace {

std::string Short(double x) {
  const bool whole = std::abs(x) < 1e15 && std::floor(x) == x;
  return whole ? std::to_string(static_cast<int64_t>(x)) : std::to_string(x);
}

}  // namespace

double Reader::Number(const Napi::Value& value, const char* name, double least, double most) {
  const double number = !value.IsEmpty() && value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  const bool fits = number >= least && number <= most;
  Expect(fits, std::string(name) + " to be a number from " + Short(least) + " to " + Short(most));
  return fits ? number : least;
}

int64_t Reader::Integer(const Napi::Value& value, const char* name, int64_t least, int64_t most) {
  const double number = !value.IsEmpty() && value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : std::nan("");
  const bool fits =
      number >= static_cast<double>(least) && number <= static_cast<double>(most) && std::floor(number) == number;
  Expect(fits,
         std::string(name) + " to be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return fits ? static_cast<int64_t>(number) : least;
}

std::string Reader::Text(const Napi::Value& value, const char* name) {
  const bool fits = !value.IsEmpty() && value.IsString();
  Expect(fits, std::string(name) + " to be a string");
  return fits ? value.As<Napi::String>().Utf8Value() : std::string();
}

bool Reader::Boolean(const Napi::Value& value, const char* name) {
  const bool fits = !value.IsEmpty() && value.IsBoolean();
  Expect(fits, std::string(name) + " to be true or false");
  return fits && value.As<Napi::Boolean>().Value();
}

std::vector<int32_t> Reader::Integers(const Napi::Value& value, const char* name) {
  const bool fits =
      !value.IsEmpty() && value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_int32_array;
  Expect(fits, std::string(name) + " to be an Int32Array");
  if (!fits) return {};
  const Napi::Int32Array array = value.As<Napi::Int32Array>();
  if (array.ElementLength() == 0) return {};
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<float> Reader::Floats(const Napi::Value& value, const char* name) {
  const bool fits =
      !value.IsEmpty() && value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_float32_array;
  Expect(fits, std::string(name) + " to be a Float32Array");
  if (!fits) return {};
  const Napi::Float32Array array = value.As<Napi::Float32Array>();
  if (array.ElementLength() == 0) return {};
  return {array.Data(), array.Data() + array.ElementLength()};
}

std::vector<uint8_t> Reader::Bytes(const Napi::Value& value, const char* name) {
  const bool fits =
      !value.IsEmpty() && value.IsTypedArray() && value.As<Napi::TypedArray>().TypedArrayType() == napi_uint8_array;
  Expect(fits, std::string(name) + " to be a Uint8Array");
  if (!fits) return {};
  const Napi::Uint8Array array = value.As<Napi::Uint8Array>();
  if (array.ElementLength() == 0) return {};
  return {array.Data(), array.Data() + array.ElementLength()};
}

Napi::Object Reader::Object(const Napi::Value& value, const char* name) {
  const bool fits = !value.IsEmpty() && value.IsObject();
  Expect(fits, std::string(name) + " to be an object");
  return fits ? value.As<Napi::Object>() : Napi::Object();
}

}  // namespace zell::addon
