#include "train/checkpoint.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/atomic_file.h"
#include "base/read_file.h"
#include "base/xxh64.h"

namespace zell::train {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr char kMagic[8] = {'Z', 'E', 'L', 'L', 'T', 'R', 'N', '\0'};
constexpr uint64_t kVersion = 1;

struct Header {
  char magic[8];
  uint64_t version;
  uint8_t identity[32];
  uint64_t step;
  uint64_t total_tokens;
  uint64_t numbers;  ///< of each of the three arrays behind it
};
static_assert(sizeof(Header) == 72);

base::Status Bad(const std::string& message) {
  return {base::StatusCode::kBadModelFile, "the checkpoint of a training " + message};
}

std::span<const uint8_t> Bytes(const void* data, size_t n) { return {static_cast<const uint8_t*>(data), n}; }

}  // namespace

base::Status WriteCheckpoint(const std::string& path, const CheckpointState& state, LowRankSet& learned) {
  Header header{};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  header.version = kVersion;
  std::memcpy(header.identity, state.identity.data(), sizeof header.identity);
  header.step = state.step;
  header.total_tokens = state.total_tokens;
  header.numbers = learned.size();
  base::Result<base::AtomicFile> file = base::AtomicFile::Create(path);
  if (!file.ok()) return file.status();
  uint64_t sum = base::Xxh64(Bytes(&header, sizeof header), 0);
  ZELL_RETURN_IF_ERROR(file->Write(Bytes(&header, sizeof header)));
  for (const float* numbers : {learned.values(), learned.first_moments(), learned.second_moments()}) {
    const std::span<const uint8_t> bytes = Bytes(numbers, learned.size() * sizeof(float));
    sum = base::Xxh64(bytes, sum);
    ZELL_RETURN_IF_ERROR(file->Write(bytes));
  }
  ZELL_RETURN_IF_ERROR(file->Write(Bytes(&sum, sizeof sum)));
  return file->Commit();
}

base::Status ReadCheckpoint(const std::string& path, CheckpointState& state, LowRankSet& learned) {
  base::Result<base::ReadFile> file = base::ReadFile::Open(path);
  if (!file.ok()) return file.status();
  Header header{};
  if (file->size() < sizeof header) return Bad("is cut off");
  ZELL_RETURN_IF_ERROR(file->ReadAt(0, {reinterpret_cast<uint8_t*>(&header), sizeof header}));
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) return Bad("is none");
  if (header.version != kVersion) return Bad("has version " + std::to_string(header.version) + ", Zell reads 1");
  if (std::memcmp(header.identity, state.identity.data(), sizeof header.identity) != 0) {
    return {base::StatusCode::kInvalidRequest, "the checkpoint is of another model, recipe or set of items"};
  }
  const size_t bytes = learned.size() * sizeof(float);
  if (header.numbers != learned.size() || file->size() != sizeof header + 3 * uint64_t{bytes} + sizeof(uint64_t)) {
    return Bad("has another length than it should");
  }
  std::vector<float> numbers(3 * learned.size());
  const std::span<uint8_t> all(reinterpret_cast<uint8_t*>(numbers.data()), 3 * bytes);
  ZELL_RETURN_IF_ERROR(file->ReadAt(sizeof header, all));
  uint64_t sum = base::Xxh64(Bytes(&header, sizeof header), 0), stored = 0;
  for (size_t i = 0; i < 3; ++i) sum = base::Xxh64(all.subspan(i * bytes, bytes), sum);
  ZELL_RETURN_IF_ERROR(
      file->ReadAt(sizeof header + 3 * uint64_t{bytes}, {reinterpret_cast<uint8_t*>(&stored), sizeof stored}));
  if (sum != stored) return Bad("is damaged");
  for (const float x : numbers) {
    if (!std::isfinite(x)) return Bad("holds numbers that are none");
  }
  std::memcpy(learned.values(), numbers.data(), bytes);
  std::memcpy(learned.first_moments(), numbers.data() + learned.size(), bytes);
  std::memcpy(learned.second_moments(), numbers.data() + 2 * learned.size(), bytes);
  state.step = header.step;
  state.total_tokens = header.total_tokens;
  return base::Status::Ok();
}

}  // namespace zell::train
