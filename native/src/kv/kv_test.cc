// Blocks and sequences: sharing, copy on write, limits, nothing lost.
#include <cstring>

#include "check.h"
#include "kv/sequence.h"

using namespace zell;
using kv::Cache;
using kv::Sequence;

namespace {

const std::vector<backend::KvGroup> kGroups = {{2, 1, 4, 4}, {1, 1, 8, 8}};

void Fill(Sequence& s, size_t tokens, uint8_t value) {
  const uint32_t before = s.length();
  CHECK(s.Prepare(tokens).ok());
  const auto addresses = s.Addresses();
  for (size_t t = before; t < before + tokens; ++t) addresses[0][t / 32][t % 32] = value;
  s.Commit(tokens);
}

}  // namespace

TEST(a_pool_draws_zeroed_blocks_up_to_its_limit) {
  kv::BlockPool pool(100, 3);
  CHECK_EQ(pool.block_bytes(), 128u);
  const auto a = pool.Draw(), b = pool.Draw(), c = pool.Draw();
  REQUIRE(a && b && c);
  CHECK(!pool.Draw());
  CHECK_EQ(pool.used(), 3u);
  std::memset(pool.Data(*b), 7, 128);
  pool.Release(*b);
  const auto d = pool.Draw();
  REQUIRE(d);
  CHECK_EQ(int{pool.Data(*d)[5]}, 0);
  pool.Retain(*d);
  pool.Release(*d);
  CHECK_EQ(pool.used(), 3u);
  for (const auto id : {*a, *c, *d}) pool.Release(id);
  CHECK_EQ(pool.used(), 0u);
}

TEST(addresses_stay_when_the_arena_grows) {
  kv::BlockPool pool(5 * 1024 * 1024, 8);  // one block a chunk
  const auto first = pool.Draw();
  REQUIRE(first);
  uint8_t* const address = pool.Data(*first);
  address[17] = 42;
  for (int i = 0; i < 7; ++i) CHECK(pool.Draw().has_value());
  CHECK(pool.Data(*first) == address);
  CHECK_EQ(int{address[17]}, 42);
}

TEST(a_sequence_takes_blocks_as_it_grows_and_gives_them_back) {
  Cache cache(kGroups, 10);
  {
    Sequence s(cache);
    CHECK_EQ(cache.used(), 0u);
    Fill(s, 1, 1);
    CHECK_EQ(cache.used(), 1u);
    Fill(s, 31, 1);
    CHECK_EQ(cache.used(), 1u);
    Fill(s, 33, 1);
    CHECK_EQ(cache.used(), 3u);
    s.Truncate(32);
    CHECK_EQ(cache.used(), 1u);
    CHECK_EQ(s.length(), 32u);
  }
  CHECK_EQ(cache.used(), 0u);
}

TEST(a_failed_prepare_leaves_everything_as_it_was) {
  Cache cache(kGroups, 3);
  Sequence s(cache);
  Fill(s, 40, 1);
  const auto before = s.Addresses();
  const base::Status status = s.Prepare(100);
  CHECK(status.code == base::StatusCode::kOutOfMemory);
  CHECK_EQ(cache.used(), 2u);
  CHECK(s.Addresses() == before);
  CHECK(s.Prepare(56).ok());
  CHECK_EQ(cache.used(), 3u);
  s.DropPrepared();
  CHECK_EQ(cache.used(), 2u);
}

TEST(a_fork_shares_blocks_until_one_side_writes) {
  Cache cache(kGroups, 10);
  Sequence s(cache);
  Fill(s, 40, 1);
  Sequence fork = s.Fork(36);
  CHECK_EQ(s.BlocksMissing(1), 1u);  // the shared tail is copied
  CHECK_EQ(s.BlocksMissing(25), 2u);
  CHECK_EQ(s.BlocksMissing(0), 0u);
  CHECK_EQ(cache.used(), 2u);
  CHECK_EQ(fork.length(), 36u);
  Fill(fork, 2, 2);  // writes positions 36 and 37 into a block of its own
  CHECK_EQ(cache.used(), 3u);
  CHECK(s.Addresses()[0][0] == fork.Addresses()[0][0]);
  CHECK(s.Addresses()[0][1] != fork.Addresses()[0][1]);
  CHECK(s.Addresses()[1][1] != fork.Addresses()[1][1]);
  CHECK_EQ(int{s.Addresses()[0][1][36 % 32]}, 1);
  CHECK_EQ(int{fork.Addresses()[0][1][36 % 32]}, 2);
  CHECK_EQ(int{fork.Addresses()[0][1][33 % 32]}, 1);
  s.Clear();
  CHECK_EQ(cache.used(), 2u);
  Fill(fork, 1, 3);  // alone now: nothing to copy
  CHECK_EQ(cache.used(), 2u);
}

TEST(a_fork_at_a_block_border_needs_no_copy) {
  Cache cache(kGroups, 2);
  Sequence s(cache);
  Fill(s, 32, 1);
  Sequence fork = s.Fork(32);
  Fill(fork, 5, 2);
  CHECK_EQ(cache.used(), 2u);
}

ZELL_TEST_MAIN
