#include "gguf/file.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <unordered_map>

#include "base/mapped_file.h"
#include "base/read_file.h"
#include "gguf/cursor.h"
#include "gguf/header.h"
#include "gguf/model_hash.h"
#include "gguf/shards.h"

namespace zell::gguf {

using base::Result;
using base::Status;
using base::StatusCode;

struct File::Impl {
  uint32_t version = 0;
  uint64_t total_bytes = 0;
  std::vector<std::string> paths;
  std::vector<base::ReadFile> files;
  std::vector<base::MappedFile> maps;    ///< empty when the data is not wanted
  std::mutex moving;                     ///< held by the one who replaces parts of `maps`
  std::vector<std::vector<bool>> moved;  ///< which large pages of each file are in memory; guarded by `moving`
  std::atomic<uint64_t> resident_bytes = 0;
  std::vector<uint64_t> table_ends;
  std::vector<std::pair<std::string, Value>> metadata;
  std::vector<FileRange> value_ranges;
  std::vector<TensorInfo> tensors;
  // The views point into `metadata` and `tensors`, which no longer change.
  std::unordered_map<std::string_view, size_t> key_index;
  std::unordered_map<std::string_view, size_t> tensor_index;

  const Value* Find(std::string_view key) const {
    const auto found = key_index.find(key);
    return found == key_index.end() ? nullptr : &metadata[found->second].second;
  }
};

namespace {

/// The number of an integral value, when it fits into T.
template <typename T>
std::optional<T> Integer(const Value* value) {
  if (value == nullptr) return std::nullopt;
  if (const uint64_t* n = std::get_if<uint64_t>(value)) {
    return std::in_range<T>(*n) ? std::optional<T>(static_cast<T>(*n)) : std::nullopt;
  }
  if (const int64_t* n = std::get_if<int64_t>(value)) {
    return std::in_range<T>(*n) ? std::optional<T>(static_cast<T>(*n)) : std::nullopt;
  }
  if (const double* x = std::get_if<double>(value)) {
    // 2^digits is exact as a double, the largest T is not.
    const double limit = std::ldexp(1.0, std::numeric_limits<T>::digits);
    const double lowest = std::numeric_limits<T>::is_signed ? -limit : 0.0;
    if (!(*x >= lowest && *x < limit) || std::trunc(*x) != *x) return std::nullopt;
    return static_cast<T>(*x);
  }
  return std::nullopt;
}

uint64_t NumberOr(const Header& header, std::string_view key, uint64_t otherwise) {
  for (const auto& [name, value] : header.metadata) {
    if (name == key) return Integer<uint64_t>(&value).value_or(otherwise);
  }
  return otherwise;
}

Status InFile(const std::string& path, const Status& status) { return {status.code, path + ": " + status.message}; }

/// The files that belong to `path`: itself, or the whole set in order.
Result<std::vector<std::string>> FilesOf(const std::string& path, const Header& header) {
  const uint64_t count = NumberOr(header, "split.count", 1);
  if (count <= 1) return std::vector<std::string>{path};
  const std::optional<ShardName> name = ParseShardName(path);
  if (!name || name->count != count) {
    return Status{StatusCode::kBadModelFile, path + ": one of " + std::to_string(count) +
                                                 " files of a split model; its name must end in -00001-of-000NN.gguf "
                                                 "with its own numbers."};
  }
  std::vector<std::string> paths;
  for (uint32_t i = 1; i <= name->count; ++i) paths.push_back(ShardPath(name->prefix, i, name->count));
  return paths;
}

Status CheckShard(const std::string& path, const Header& header, uint64_t index, uint64_t count) {
  const uint64_t said_count = NumberOr(header, "split.count", 0), said_index = NumberOr(header, "split.no", UINT64_MAX);
  if (said_count == count && said_index == index) return Status::Ok();
  return {StatusCode::kBadModelFile, path + ": split.no and split.count of this file say that it is another part."};
}

}  // namespace

Result<std::shared_ptr<const File>> File::Open(const std::string& path, const OpenOptions& options) {
  auto impl = std::make_unique<Impl>();
  Result<base::ReadFile> named_file = base::ReadFile::Open(path);
  if (!named_file.ok()) return named_file.status();
  Result<Header> named_header = ParseHeader(*named_file);
  if (!named_header.ok()) return InFile(path, named_header.status());
  Result<std::vector<std::string>> paths = FilesOf(path, *named_header);
  if (!paths.ok()) return paths.status();
  impl->paths = std::move(*paths);

  const size_t n_files = impl->paths.size();
  uint64_t expected_tensors = 0;
  for (size_t i = 0; i < n_files; ++i) {
    const std::string& shard_path = impl->paths[i];
    const bool named = shard_path == path;
    Result<base::ReadFile> file = named ? std::move(named_file) : base::ReadFile::Open(shard_path);
    if (!file.ok() && file.status().code == StatusCode::kNotFound) {
      return Status{StatusCode::kNotFound, "Part " + std::to_string(i + 1) + " of " + std::to_string(n_files) +
                                               " of the model is missing: " + shard_path};
    }
    if (!file.ok()) return file.status();
    Result<Header> header = named ? std::move(named_header) : ParseHeader(*file);
    if (!header.ok()) return InFile(shard_path, header.status());
    if (n_files > 1) ZELL_RETURN_IF_ERROR(CheckShard(shard_path, *header, i, n_files));

    if (i == 0) {
      impl->version = header->version;
      expected_tensors = NumberOr(*header, "split.tensors.count", 0);
      impl->metadata = std::move(header->metadata);
      impl->value_ranges = std::move(header->value_ranges);
    }
    for (TensorInfo& tensor : header->tensors) {
      tensor.shard = static_cast<uint32_t>(i);
      impl->tensors.push_back(std::move(tensor));
    }
    impl->table_ends.push_back(header->table_end);
    impl->total_bytes += file->size();
    if (options.map_data) {
      Result<base::MappedFile> map = base::MappedFile::Map(*file);
      if (!map.ok()) return InFile(shard_path, map.status());
      impl->maps.push_back(std::move(*map));
    }
    impl->files.push_back(std::move(*file));
  }
  if (n_files > 1 && impl->tensors.size() != expected_tensors) {
    return Status{StatusCode::kBadModelFile, impl->paths[0] + ": split.tensors.count promises " +
                                                 std::to_string(expected_tensors) + " tensors, the files hold " +
                                                 std::to_string(impl->tensors.size()) + "."};
  }
  for (size_t i = 0; i < impl->metadata.size(); ++i) impl->key_index.emplace(impl->metadata[i].first, i);
  for (size_t i = 0; i < impl->tensors.size(); ++i) {
    if (impl->tensor_index.emplace(impl->tensors[i].name, i).second) continue;
    return Status{StatusCode::kBadModelFile, "Tensor " + Quoted(impl->tensors[i].name) + " appears in two files."};
  }
  return std::shared_ptr<const File>(new File(std::move(impl)));  // the constructor is private: no make_shared
}

File::File(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
File::~File() = default;

const Value* File::Find(std::string_view key) const { return impl_->Find(key); }
std::optional<uint64_t> File::U64(std::string_view key) const { return Integer<uint64_t>(Find(key)); }
std::optional<int64_t> File::I64(std::string_view key) const { return Integer<int64_t>(Find(key)); }

std::optional<double> File::F64(std::string_view key) const {
  const Value* value = Find(key);
  if (value == nullptr) return std::nullopt;
  if (const double* x = std::get_if<double>(value)) return *x;
  // Integers of up to 53 bits are exact.
  constexpr int64_t kExact = int64_t{1} << 53;
  const std::optional<int64_t> n = Integer<int64_t>(value);
  if (!n || *n > kExact || *n < -kExact) return std::nullopt;
  return static_cast<double>(*n);
}

std::optional<bool> File::Bool(std::string_view key) const {
  const Value* value = Find(key);
  const bool* flag = value == nullptr ? nullptr : std::get_if<bool>(value);
  return flag == nullptr ? std::nullopt : std::optional<bool>(*flag);
}

std::optional<std::string_view> File::Str(std::string_view key) const {
  const Value* value = Find(key);
  const std::string* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
}

const base::StringList* File::Strings(std::string_view key) const {
  const Value* value = Find(key);
  return value == nullptr ? nullptr : std::get_if<base::StringList>(value);
}

Result<std::vector<uint8_t>> File::RawValue(std::string_view key) const {
  const auto found = impl_->key_index.find(key);
  if (found == impl_->key_index.end()) return Status{StatusCode::kNotFound, "No metadata " + Quoted(key) + "."};
  const FileRange range = impl_->value_ranges[found->second];
  std::vector<uint8_t> bytes(static_cast<size_t>(range.end - range.start));
  ZELL_RETURN_IF_ERROR(impl_->files[0].ReadAt(range.start, bytes));
  return bytes;
}

std::span<const std::pair<std::string, Value>> File::metadata() const { return impl_->metadata; }
std::span<const TensorInfo> File::tensors() const { return impl_->tensors; }

const TensorInfo* File::FindTensor(std::string_view name) const {
  const auto found = impl_->tensor_index.find(name);
  return found == impl_->tensor_index.end() ? nullptr : &impl_->tensors[found->second];
}

std::span<const uint8_t> File::data(const TensorInfo& tensor) const {
  assert(tensor.shard < impl_->maps.size());
  return impl_->maps[tensor.shard].bytes().subspan(tensor.file_offset, tensor.bytes);
}

std::optional<File::Place> File::Locate(const uint8_t* address) const {
  const auto at = reinterpret_cast<uintptr_t>(address);
  for (size_t shard = 0; shard < impl_->maps.size(); ++shard) {
    const std::span<const uint8_t> bytes = impl_->maps[shard].bytes();
    const auto first = reinterpret_cast<uintptr_t>(bytes.data());
    if (at >= first && at - first < bytes.size()) return Place{static_cast<uint32_t>(shard), at - first};
  }
  return std::nullopt;
}

base::Result<base::DirectFile> File::OpenDirect(uint32_t shard, bool past_cache) const {
  return base::DirectFile::Open(impl_->paths[shard], impl_->files[shard], past_cache);
}

base::Status File::MoveToMemory(std::span<const TensorInfo* const> tensors,
                                const std::function<bool()>& may_go_on) const {
  constexpr size_t kPagesAtOnce = 8;
  const std::lock_guard lock(impl_->moving);
  impl_->moved.resize(impl_->maps.size());
  for (const TensorInfo* tensor : tensors) {
    const base::MappedFile& map = impl_->maps[tensor->shard];
    std::vector<bool>& moved = impl_->moved[tensor->shard];
    moved.resize(map.large_pages());
    const uint64_t end = (tensor->file_offset + tensor->bytes + base::kHugePage - 1) / base::kHugePage;
    const uint64_t last = std::min<uint64_t>(end, moved.size());
    for (uint64_t page = tensor->file_offset / base::kHugePage; page < last;) {
      size_t count = 0;
      while (count < kPagesAtOnce && page + count < last && !moved[page + count]) ++count;
      if (count == 0) {
        ++page;
        continue;
      }
      if (!may_go_on()) return Status::Ok();
      ZELL_RETURN_IF_ERROR(map.Replace(impl_->files[tensor->shard], page, count));
      for (size_t i = 0; i < count; ++i) moved[page + i] = true;
      impl_->resident_bytes += count * base::kHugePage;
      page += count;
    }
  }
  return Status::Ok();
}

uint64_t File::resident_bytes() const { return impl_->resident_bytes; }

std::span<const std::string> File::paths() const { return impl_->paths; }
uint64_t File::total_bytes() const { return impl_->total_bytes; }
uint32_t File::version() const { return impl_->version; }

Result<std::string> File::ModelHash() const { return HashModel(impl_->files, impl_->table_ends, impl_->tensors); }

}  // namespace zell::gguf
