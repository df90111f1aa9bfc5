#include "convert/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>

#include "gguf/file.h"

namespace zell::convert {
namespace {

using base::Status;
using base::StatusCode;

constexpr uint64_t kMostBytes = uint64_t{1} << 30;  // of the older format; real ones have some MB

Status Bad(const std::string& path, const std::string& what) {
  return {StatusCode::kBadModelFile, path + " is no importance matrix: " + what};
}

bool AllUsable(const std::vector<float>& values) {
  return std::all_of(values.begin(), values.end(), [](float v) { return std::isfinite(v) && v >= 0.0f; });
}

/// Takes little-endian values off the front of a buffer.
class Bytes {
 public:
  explicit Bytes(std::vector<uint8_t> all) : all_(std::move(all)) {}
  template <typename T>
  bool Take(T* value) {
    if (all_.size() - at_ < sizeof(T)) return false;
    std::memcpy(value, all_.data() + at_, sizeof(T));
    at_ += sizeof(T);
    return true;
  }
  bool Take(size_t n, std::string* text) {
    if (all_.size() - at_ < n) return false;
    text->assign(reinterpret_cast<const char*>(all_.data()) + at_, n);
    at_ += n;
    return true;
  }
  bool Take(size_t n, std::vector<float>* values) {
    if ((all_.size() - at_) / sizeof(float) < n) return false;
    values->resize(n);
    if (n > 0) std::memcpy(values->data(), all_.data() + at_, n * sizeof(float));
    at_ += n * sizeof(float);
    return true;
  }

 private:
  std::vector<uint8_t> all_;
  size_t at_ = 0;
};

}  // namespace

class ImportanceReader {
 public:
  explicit ImportanceReader(const std::string& path) : path_(path) {}

  base::Result<Importance> Gguf() {
    const base::Result<std::shared_ptr<const gguf::File>> opened = gguf::File::Open(path_);
    if (!opened.ok()) return opened.status();
    const gguf::File& file = **opened;
    if (file.Str("general.type").value_or("") != "imatrix") return Bad(path_, "its general.type is not 'imatrix'.");
    constexpr std::string_view kSums = ".in_sum2";
    for (const gguf::TensorInfo& sums : file.tensors()) {
      if (!sums.name.ends_with(kSums)) continue;
      const std::string name = sums.name.substr(0, sums.name.size() - kSums.size());
      const gguf::TensorInfo* counts = file.FindTensor(name + ".counts");
      if (counts == nullptr) return Bad(path_, name + " has no counts.");
      if (sums.type != quant::TensorType::kF32 || counts->type != quant::TensorType::kF32 ||
          counts->n_weights * sums.dims[0] != sums.n_weights) {
        return Bad(path_, name + " has another type or shape than its format says.");
      }
      std::vector<float> values(sums.n_weights), n(counts->n_weights);
      std::memcpy(values.data(), file.data(sums).data(), values.size() * sizeof(float));
      std::memcpy(n.data(), file.data(*counts).data(), n.size() * sizeof(float));
      for (size_t i = 0; i < values.size(); ++i) {
        const float count = n[i / sums.dims[0]];
        values[i] = count > 0.0f ? values[i] / count : 0.0f;
      }
      if (!AllUsable(values)) return Bad(path_, name + " holds numbers that are negative or not finite.");
      result_.entries_.emplace(name, std::move(values));
    }
    return Finish();
  }

  base::Result<Importance> Binary(std::vector<uint8_t> all) {
    Bytes bytes(std::move(all));
    int32_t entries = 0;
    if (!bytes.Take(&entries) || entries < 1) return Bad(path_, "it has no entries.");
    for (int32_t e = 0; e < entries; ++e) {
      int32_t length = 0, calls = 0, n = 0;
      std::string name;
      std::vector<float> values;
      if (!bytes.Take(&length) || length < 1 || !bytes.Take(static_cast<size_t>(length), &name) ||
          !bytes.Take(&calls) || !bytes.Take(&n) || n < 1 || !bytes.Take(static_cast<size_t>(n), &values)) {
        return Bad(path_, "it ends within entry " + std::to_string(e) + ".");
      }
      for (float& value : values) value = calls > 0 ? value / static_cast<float>(calls) : 0.0f;
      if (!AllUsable(values)) return Bad(path_, name + " holds numbers that are negative or not finite.");
      result_.entries_.emplace(std::move(name), std::move(values));
    }
    return Finish();
  }

 private:
  base::Result<Importance> Finish() {
    if (result_.entries_.empty()) return Bad(path_, "it has no entries.");
    return std::move(result_);
  }

  const std::string path_;
  Importance result_;
};

base::Result<Importance> Importance::Read(const std::string& path) {
  std::ifstream stream(path, std::ios::binary | std::ios::ate);
  if (!stream) return Status{StatusCode::kNotFound, "Cannot open " + path + "."};
  const std::streamoff end = stream.tellg();
  char magic[4] = {};
  stream.seekg(0);
  stream.read(magic, sizeof magic);
  if (std::memcmp(magic, "GGUF", sizeof magic) == 0) return ImportanceReader(path).Gguf();
  if (end < 0 || static_cast<uint64_t>(end) > kMostBytes) return Bad(path, "it is too large.");
  std::vector<uint8_t> all(static_cast<size_t>(end));
  stream.clear();
  stream.seekg(0);
  stream.read(reinterpret_cast<char*>(all.data()), static_cast<std::streamsize>(all.size()));
  if (!stream) return Status{StatusCode::kIo, "Cannot read " + path + "."};
  return ImportanceReader(path).Binary(std::move(all));
}

std::span<const float> Importance::Find(const std::string& tensor, uint64_t columns, uint64_t expert) const {
  const auto found = entries_.find(tensor);
  if (found == entries_.end() || columns == 0) return {};
  const std::vector<float>& values = found->second;
  const uint64_t first = values.size() == columns ? 0 : expert * columns;
  if (values.size() % columns != 0 || first + columns > values.size()) return {};
  const std::span<const float> part(values.data() + first, columns);
  const bool reached = std::any_of(part.begin(), part.end(), [](float v) { return v > 0.0f; });
  return reached ? part : std::span<const float>{};
}

}  // namespace zell::convert
