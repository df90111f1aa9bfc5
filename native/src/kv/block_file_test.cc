// Blocks in files: what was written comes back, and whatever is damaged counts as absent.
#include "kv/block_file.h"

#include <cstring>
#include <filesystem>
#include <fstream>

#include "check.h"

using namespace zell;

namespace {

constexpr uint32_t kBlocks = 5;
const std::vector<uint8_t> kHeader(100, 'h');
const std::vector<uint64_t> kSeeds = {11, 12, 13, 14, 15};

// Two groups of blocks in memory of their own.
struct Memory {
  explicit Memory(uint8_t fill) : small(kBlocks * 64), large(kBlocks * 300) {
    for (size_t i = 0; i < small.size(); ++i) small[i] = static_cast<uint8_t>(fill == 0 ? 0 : i * 7 + fill);
    for (size_t i = 0; i < large.size(); ++i) large[i] = static_cast<uint8_t>(fill == 0 ? 0 : i * 3 + fill);
    groups = {{64, {}}, {300, {}}};
    for (size_t b = 0; b < kBlocks; ++b) {
      groups[0].blocks.push_back(&small[b * 64]);
      groups[1].blocks.push_back(&large[b * 300]);
    }
  }
  std::vector<uint8_t> small, large;
  kv::GroupBlocks groups;
};

std::string PathOf(const char* name) {
  return (std::filesystem::temp_directory_path() / (std::string("zell_block_file_test_") + name)).string();
}

kv::BlockRange All(const std::string& path) { return {path, kHeader.size(), kBlocks, 0, kBlocks}; }

}  // namespace

TEST(what_was_written_comes_back) {
  const std::string path = PathOf("whole");
  Memory in(1), out(0);
  REQUIRE(kv::WriteBlocks(path, kHeader, kSeeds, in.groups).ok());
  CHECK_EQ(kv::ReadBlocks(All(path), kSeeds, out.groups, 0), kBlocks);
  CHECK(in.small == out.small);
  CHECK(in.large == out.large);
  std::filesystem::remove(path);
}

TEST(a_group_that_does_not_hold_every_block_is_neither_written_nor_read) {
  const std::string path = PathOf("window");
  Memory in(1), out(0);
  in.groups[1].blocks.erase(in.groups[1].blocks.begin());
  CHECK(kv::WriteBlocks(path, kHeader, kSeeds, in.groups).code == base::StatusCode::kInvalidRequest);
  CHECK(!std::filesystem::exists(path));
  Memory whole(1);
  REQUIRE(kv::WriteBlocks(path, kHeader, kSeeds, whole.groups).ok());
  out.groups[1].blocks.pop_back();
  CHECK_EQ(kv::ReadBlocks(All(path), kSeeds, out.groups, 0), 0u);
  std::filesystem::remove(path);
}

TEST(several_threads_read_the_same_and_stop_at_the_first_damage) {
  const std::string path = PathOf("threads");
  constexpr uint32_t kMany = 40;
  constexpr size_t kBytes = 256 * 1024;
  std::vector<uint8_t> in(kMany * kBytes), out(kMany * kBytes);
  for (size_t i = 0; i < in.size(); ++i) in[i] = static_cast<uint8_t>(i * 31 + i / kBytes);
  const auto groups = [](std::vector<uint8_t>& memory) {
    kv::GroupBlocks made = {{kBytes, {}}};
    for (size_t b = 0; b < kMany; ++b) made[0].blocks.push_back(&memory[b * kBytes]);
    return made;
  };
  std::vector<uint64_t> seeds(kMany);
  for (size_t b = 0; b < kMany; ++b) seeds[b] = b * 977;
  REQUIRE(kv::WriteBlocks(path, kHeader, seeds, groups(in)).ok());
  const kv::BlockRange range{path, kHeader.size(), kMany, 0, kMany};
  CHECK_EQ(kv::ReadBlocks(range, seeds, groups(out), 0, 4), kMany);
  CHECK(in == out);
  seeds[31] ^= 1;
  seeds[17] ^= 1;
  seeds[18] ^= 1;
  CHECK_EQ(kv::ReadBlocks(range, seeds, groups(out), 0, 4), 17u);
  std::filesystem::remove(path);
}

TEST(a_part_of_a_file_goes_where_it_is_wanted) {
  const std::string path = PathOf("part");
  Memory in(1), out(0);
  REQUIRE(kv::WriteBlocks(path, kHeader, kSeeds, in.groups).ok());
  kv::BlockRange range = All(path);
  range.first = 2;
  range.count = 2;
  CHECK_EQ(kv::ReadBlocks(range, std::span(kSeeds).subspan(2, 2), out.groups, 1), 2u);
  CHECK(std::memcmp(out.groups[1].blocks[1], in.groups[1].blocks[2], 600) == 0);
  CHECK_EQ(int{out.large[0]}, 0);
  // Beyond the file, also where sums overflow.
  range.first = 4;
  CHECK_EQ(kv::ReadBlocks(range, std::span(kSeeds).subspan(2, 2), out.groups, 0), 0u);
  range.first = UINT32_MAX;
  CHECK_EQ(kv::ReadBlocks(range, std::span(kSeeds).subspan(2, 2), out.groups, 0), 0u);
  range.first = 0;
  range.header_bytes = UINT64_MAX;
  CHECK_EQ(kv::ReadBlocks(range, std::span(kSeeds).subspan(2, 2), out.groups, 0), 0u);
  std::filesystem::remove(path);
}

TEST(another_seed_is_another_block) {
  const std::string path = PathOf("seed");
  Memory in(1), out(0);
  REQUIRE(kv::WriteBlocks(path, kHeader, kSeeds, in.groups).ok());
  std::vector<uint64_t> seeds = kSeeds;
  seeds[3] = 99;
  CHECK_EQ(kv::ReadBlocks(All(path), seeds, out.groups, 0), 3u);
  std::filesystem::remove(path);
}

TEST(a_flipped_bit_anywhere_costs_its_block_and_those_after_it) {
  const std::string path = PathOf("flip");
  Memory in(1);
  REQUIRE(kv::WriteBlocks(path, kHeader, kSeeds, in.groups).ok());
  const uint64_t size = std::filesystem::file_size(path);
  CHECK_EQ(size, 4096u + kBlocks * 364u);
  for (uint64_t at = 0; at < size; at += at < 4096 ? 1 : 13) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    const auto flip = [&] {
      file.seekg(static_cast<std::streamoff>(at));
      const char c = static_cast<char>(file.get() ^ 4);
      file.seekp(static_cast<std::streamoff>(at));
      file.put(c);
      file.flush();
    };
    flip();
    Memory out(0);
    const uint32_t whole = kv::ReadBlocks(All(path), kSeeds, out.groups, 0);
    const bool checksum = at >= kHeader.size() && at < kHeader.size() + kBlocks * 8;
    const uint64_t expected = at >= 4096 ? (at - 4096) / 364 : checksum ? (at - kHeader.size()) / 8 : kBlocks;
    CHECK_EQ(uint64_t{whole}, expected);
    flip();
  }
  std::filesystem::remove(path);
}

TEST(a_cut_file_holds_what_is_before_the_cut) {
  const std::string path = PathOf("cut");
  for (const uint64_t size : {0u, 50u, 110u, 4095u, 4096u, 4459u, 4460u, 5000u}) {
    Memory in(1), out(0);
    REQUIRE(kv::WriteBlocks(path, kHeader, kSeeds, in.groups).ok());
    std::filesystem::resize_file(path, size);
    CHECK_EQ(uint64_t{kv::ReadBlocks(All(path), kSeeds, out.groups, 0)}, size < 4096 ? 0 : (size - 4096) / 364);
  }
  std::filesystem::remove(path);
  Memory out(0);
  CHECK_EQ(kv::ReadBlocks(All(path), kSeeds, out.groups, 0), 0u);
}

TEST(a_folder_that_is_absent_is_an_error) {
  Memory in(1);
  CHECK(kv::WriteBlocks(PathOf("none/x"), kHeader, kSeeds, in.groups).code == base::StatusCode::kNotFound);
}

ZELL_TEST_MAIN
