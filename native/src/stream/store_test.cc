// The store by itself: what is read when, what is given up, and what goes wrong.
#include "stream/store.h"

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "check.h"
#include "stream/early_gate.h"

using namespace zell;
using backend::ExpertUse;
using backend::ReadyExpert;
using stream::Bank;
using stream::ExpertStore;

namespace {

constexpr uint64_t kPage = base::kDirectAlignment;
const std::atomic<bool> never = false;

// Gate and up in one page, down in another; expert e of bank b begins at page (b * experts + e) * 2.
std::vector<Bank> MakeBanks(uint32_t banks, uint32_t experts, uint32_t used) {
  std::vector<Bank> all;
  for (uint32_t b = 0; b < banks; ++b) {
    Bank bank{used, {}};
    for (uint32_t e = 0; e < experts; ++e) {
      const uint64_t first = uint64_t{b * experts + e} * 2 * kPage;
      stream::ExpertPart gate_up{{{0, first, kPage, 0}}, {0, 64}};
      stream::ExpertPart down{{{0, first + kPage, kPage, kPage}}, {kPage + 32, 0}};
      bank.parts.push_back({gate_up, down});
    }
    all.push_back(bank);
  }
  return all;
}

// Every word of page p of the file is p. Fails, or waits, where a test says so.
class FakeReader final : public stream::PieceReader {
 public:
  base::Status Read(uint32_t shard, uint64_t offset, std::span<uint8_t> out) override {
    std::unique_lock lock(mutex);
    released.wait(lock, [&] { return !held || !hold_from(offset / kPage); });
    ++reads;
    if (failing.contains(offset / kPage)) return {base::StatusCode::kIo, "page " + std::to_string(offset / kPage)};
    for (size_t i = 0; i < out.size(); i += 4) {
      const uint32_t page = static_cast<uint32_t>((offset + i) / kPage);
      std::memcpy(out.data() + i, &page, 4);
    }
    return shard == 0 ? base::Status::Ok() : base::Status{base::StatusCode::kInternal, "no such file"};
  }
  void Release() {
    const std::lock_guard lock(mutex);
    held = false;
    released.notify_all();
  }
  std::mutex mutex;
  std::condition_variable released;
  std::set<uint64_t> failing;
  std::function<bool(uint64_t)> hold_from = [](uint64_t) { return false; };
  bool held = true;
  uint64_t reads = 0;
};

struct Fixture {
  Fixture(uint32_t banks, uint32_t experts, uint32_t used, uint64_t slots) : n_experts(experts) {
    auto made = std::make_unique<FakeReader>();
    reader = made.get();
    auto created = ExpertStore::Create(MakeBanks(banks, experts, used), std::move(made), slots * 2 * kPage, 3);
    if (created.ok()) store = std::move(*created);
    status = created.ok() ? base::Status::Ok() : created.status();
  }

  // Runs one bank as a backend would, on one thread; false when a stage failed. The matrices must be the expert's.
  // `next`: what the bank after it is expected to use.
  bool RunBank(uint32_t bank, const std::vector<uint32_t>& experts, const std::vector<uint32_t>& next = {},
               uint32_t tokens = 1) {
    store->Begin(bank, Uses(experts), tokens);
    if (!next.empty()) store->Expect(bank + 1, Uses(next));
    for (uint32_t stage = 0; stage < 2; ++stage) {
      std::set<uint32_t> seen;
      for (uint32_t i = 0; i < experts.size(); ++i) {
        ReadyExpert ready;
        if (!store->Take(stage, i, never, &ready)) return false;
        uint32_t page = 0;
        std::memcpy(&page, ready.matrices[0], 4);
        CHECK_EQ(page, (bank * n_experts + ready.expert) * 2 + stage);
        seen.insert(ready.expert);
        order.push_back(ready.expert);
        store->Done(stage, i, 1);
      }
      CHECK(seen == std::set<uint32_t>(experts.begin(), experts.end()));
      store->AwaitLast(bank, stage, never);
    }
    return true;
  }

  static std::vector<ExpertUse> Uses(const std::vector<uint32_t>& experts) {
    std::vector<ExpertUse> uses;
    for (const uint32_t e : experts) uses.push_back({e, 1});
    return uses;
  }
  // Until so many pages were read; false when that takes minutes.
  bool AwaitReads(uint64_t n) const {
    for (int i = 0; i < 120000 && store->stats().bytes_read < n * kPage; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return store->stats().bytes_read == n * kPage;
  }

  uint32_t n_experts;
  FakeReader* reader = nullptr;
  std::unique_ptr<ExpertStore> store;
  base::Status status;
  std::vector<uint32_t> order;  ///< of the experts that were taken
};

}  // namespace

TEST(what_is_in_memory_is_not_read_again) {
  Fixture f(2, 4, 2, 8);
  REQUIRE(f.store != nullptr);
  CHECK_EQ(f.store->size().slots, uint64_t{8});
  CHECK(f.RunBank(0, {0, 1}) && f.RunBank(1, {2, 3}));
  CHECK(f.store->End().ok());
  CHECK_EQ(f.reader->reads, uint64_t{8});
  CHECK(f.RunBank(0, {1, 0}) && f.RunBank(1, {2, 0}));
  CHECK(f.store->End().ok());
  CHECK_EQ(f.reader->reads, uint64_t{10});
  CHECK_EQ(f.store->stats().hits, uint64_t{3});
  CHECK_EQ(f.store->stats().misses, uint64_t{5});
  CHECK_EQ(f.store->stats().bytes_read, 10 * kPage);
}

TEST(the_smallest_cache_gives_something_up_at_every_step) {
  Fixture f(3, 8, 2, 2);
  REQUIRE(f.store != nullptr);
  for (uint32_t token = 0; token < 20; ++token) {
    for (uint32_t bank = 0; bank < 3; ++bank) REQUIRE(f.RunBank(bank, {(token + bank) % 8, (token + bank + 3) % 8}));
    CHECK(f.store->End().ok());
  }
  CHECK_EQ(f.store->stats().hits, uint64_t{0});
  CHECK_EQ(f.reader->reads, uint64_t{20 * 3 * 2 * 2});
}

TEST(a_cache_that_is_too_small_is_refused_with_numbers) {
  Fixture f(2, 8, 4, 3);
  CHECK(f.store == nullptr);
  CHECK(f.status.code == base::StatusCode::kOutOfMemory);
  CHECK(f.status.message.find("1 MiB") != std::string::npos);
}

TEST(a_long_prompt_reads_every_matrix_once) {
  Fixture f(2, 16, 2, 3);
  REQUIRE(f.store != nullptr);
  std::vector<uint32_t> all;
  for (uint32_t e = 0; e < 16; ++e) all.push_back(e);
  for (int run = 1; run <= 3; ++run) {
    REQUIRE(f.RunBank(0, all) && f.RunBank(1, all));
    CHECK(f.store->End().ok());
    CHECK(f.reader->reads <= static_cast<uint64_t>(run) * 2 * 16 * 2);
  }
  // Afterwards slots hold halves of experts, of which the missing ones are read.
  REQUIRE(f.RunBank(0, {3, 4}) && f.RunBank(0, {15, 14}));
  CHECK(f.store->End().ok());
}

TEST(hits_come_first_and_the_others_as_they_arrive) {
  Fixture f(1, 8, 2, 8);
  REQUIRE(f.store != nullptr);
  REQUIRE(f.RunBank(0, {5, 6}));
  CHECK(f.store->End().ok());
  // Expert 0 is held up; 6 is in memory, 1 arrives.
  f.reader->hold_from = [](uint64_t page) { return page == 0; };
  const std::vector<ExpertUse> uses{{0, 1}, {1, 1}, {6, 1}};
  f.store->Begin(0, uses, 3);
  ReadyExpert ready;
  REQUIRE(f.store->Take(0, 0, never, &ready));
  CHECK_EQ(ready.expert, 6u);
  REQUIRE(f.store->Take(0, 1, never, &ready));
  CHECK_EQ(ready.expert, 1u);
  f.reader->Release();
  REQUIRE(f.store->Take(0, 2, never, &ready));
  CHECK_EQ(ready.expert, 0u);
  CHECK(f.store->End().ok());
}

TEST(a_failed_read_ends_the_run_and_not_the_store) {
  Fixture f(2, 4, 2, 4);
  REQUIRE(f.store != nullptr);
  f.reader->failing = {5};  // down of expert 2
  CHECK(f.RunBank(0, {0, 1}));
  CHECK(!f.RunBank(0, {1, 2}));
  CHECK(f.store->failed());
  // Whoever asks on gets nothing.
  ReadyExpert ready;
  CHECK(!f.store->Take(1, 1, never, &ready));
  const base::Status status = f.store->End();
  CHECK(status.code == base::StatusCode::kIo);
  CHECK_EQ(status.message, "page 5");
  CHECK(!f.store->failed());
  f.reader->failing.clear();
  CHECK(f.RunBank(0, {1, 2}) && f.RunBank(1, {0, 3}));
  CHECK(f.store->End().ok());
}

TEST(a_stopped_run_leaves_nothing_behind) {
  Fixture f(1, 8, 2, 4);
  REQUIRE(f.store != nullptr);
  f.reader->hold_from = [](uint64_t page) { return page >= 4; };  // experts 2 and up
  std::atomic<bool> stop = false;
  const std::vector<ExpertUse> uses{{2, 1}, {3, 1}, {4, 1}, {5, 1}};
  f.store->Begin(0, uses, 4);
  std::thread stopper([&] { stop = true; });
  ReadyExpert ready;
  CHECK(!f.store->Take(0, 0, stop, &ready));
  stopper.join();
  CHECK(f.store->End().ok());
  // The next run wants what is still being read for the stopped one.
  std::thread releaser([&] { f.reader->Release(); });
  CHECK(f.RunBank(0, {2, 3, 5}));
  releaser.join();
  CHECK(f.store->End().ok());
  CHECK(f.RunBank(0, {0, 1, 6, 7}));
  CHECK(f.store->End().ok());
}

TEST(what_the_next_layer_is_expected_to_use_is_read_before_it_comes) {
  Fixture f(2, 8, 2, 8);
  REQUIRE(f.store != nullptr);
  CHECK(f.store->WantsGuesses());
  constexpr uint32_t kPrompt = 16;
  REQUIRE(f.RunBank(0, {0, 1}, {2, 3, 4}, kPrompt));
  REQUIRE(f.AwaitReads(10));  // nobody has asked for bank 1 yet
  // Only what was not guessed is read; the others count as misses, which hid behind the layer before.
  REQUIRE(f.RunBank(1, {3, 2, 7}, {}, kPrompt));
  CHECK(f.store->End().ok());
  CHECK_EQ(f.reader->reads, uint64_t{12});
  const stream::StoreStats stats = f.store->stats();
  CHECK_EQ(stats.hits, uint64_t{0});
  CHECK_EQ(stats.misses, uint64_t{5});
  CHECK_EQ(stats.foretold, uint64_t{2});
  CHECK_EQ(stats.guesses, uint64_t{3});
  CHECK_EQ(stats.right_guesses, uint64_t{2});
  // From now on they are in memory like the others.
  REQUIRE(f.RunBank(0, {0, 1}) && f.RunBank(1, {3, 2}));
  CHECK(f.store->End().ok());
  CHECK_EQ(f.store->stats().hits, uint64_t{4});
}

TEST(guesses_wait_for_what_the_step_wants) {
  Fixture f(2, 8, 2, 8);
  REQUIRE(f.store != nullptr);
  f.reader->hold_from = [](uint64_t page) { return page < 2; };  // expert 0 of bank 0
  const auto uses = Fixture::Uses({0});
  f.store->Begin(0, uses, 16);
  f.store->Expect(1, Fixture::Uses({5}));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK_EQ(f.store->stats().bytes_read, uint64_t{0});
  // The next layer wants something else: the guess is never read.
  std::thread releaser([&] { f.reader->Release(); });
  std::vector<uint32_t> all{1, 2, 3, 4, 6, 7};
  f.reader->failing = {(8 + 5) * 2, (8 + 5) * 2 + 1};
  CHECK(f.RunBank(1, all, {}, 16));
  releaser.join();
  CHECK(f.store->End().ok());
}

TEST(a_wrong_guess_that_cannot_be_read_harms_nobody) {
  Fixture f(2, 8, 2, 4);
  REQUIRE(f.store != nullptr);
  f.reader->failing = {(8 + 5) * 2};
  CHECK(f.RunBank(0, {0, 1}, {5}, 16));
  CHECK(f.RunBank(1, {2, 3}, {}, 16));
  CHECK(!f.store->failed());
  CHECK(f.store->End().ok());
  CHECK(f.RunBank(0, {0, 1}, {5}, 16));
  CHECK(!f.RunBank(1, {5, 3}, {}, 16));
  CHECK(f.store->End().code == base::StatusCode::kIo);
}

TEST(guesses_in_the_smallest_cache_leave_every_step_right) {
  Fixture f(3, 8, 2, 2);
  REQUIRE(f.store != nullptr);
  for (uint32_t token = 0; token < 60; ++token) {
    for (uint32_t bank = 0; bank < 3; ++bank) {
      const std::vector<uint32_t> next{(token + bank + 1) % 8,
                                       (token * 3) % 8 == (token + bank + 1) % 8 ? 7 : token * 3 % 8};
      REQUIRE(
          f.RunBank(bank, {(token + bank) % 8, (token + bank + 3) % 8}, bank < 2 ? next : std::vector<uint32_t>{}, 16));
    }
    CHECK(f.store->End().ok());
  }
}

TEST(a_cache_that_is_held_down_gives_up_the_least_used_and_grows_again) {
  Fixture f(2, 8, 2, 16);
  REQUIRE(f.store != nullptr);
  const auto run = [&] {
    for (uint32_t token = 0; token < 24; ++token) {
      // 0 and 1 always, the others now and then.
      REQUIRE(f.RunBank(0, {0, 1, 2 + token % 6}) && f.RunBank(1, {0, 1, 2 + token % 6}));
      CHECK(f.store->End().ok());
    }
  };
  run();
  CHECK_EQ(f.store->size().occupied, uint64_t{16});
  f.store->LimitSlots(6);
  CHECK_EQ(f.store->size().slots, uint64_t{6});
  CHECK(f.store->size().occupied <= 6);
  CHECK_EQ(f.store->size().most_slots, uint64_t{16});
  const uint64_t reads = f.reader->reads;
  REQUIRE(f.RunBank(0, {0, 1}) && f.RunBank(1, {0, 1}));
  CHECK(f.store->End().ok());
  CHECK_EQ(f.reader->reads, reads);
  run();
  CHECK(f.store->size().occupied <= 6);
  // Never below what a step needs, never above what there is.
  f.store->LimitSlots(0);
  CHECK_EQ(f.store->size().slots, uint64_t{2});
  REQUIRE(f.RunBank(0, {3, 4, 5}) && f.RunBank(1, {6, 7}));
  CHECK(f.store->End().ok());
  f.store->LimitSlots(1000);
  CHECK_EQ(f.store->size().slots, uint64_t{16});
  run();
  CHECK_EQ(f.store->size().occupied, uint64_t{16});
}

TEST(a_cache_held_down_while_a_step_runs_shrinks_with_its_next_layer) {
  Fixture f(2, 8, 2, 16);
  REQUIRE(f.store != nullptr);
  REQUIRE(f.RunBank(0, {0, 1, 2, 3, 4, 5}) && f.RunBank(1, {0, 1, 2, 3, 4, 5}));
  const auto uses = Fixture::Uses({0, 1, 2, 3});
  f.store->Begin(0, uses, 4);
  f.store->LimitSlots(3);
  ReadyExpert ready;
  for (uint32_t stage = 0; stage < 2; ++stage) {
    for (uint32_t i = 0; i < 4; ++i) {
      REQUIRE(f.store->Take(stage, i, never, &ready));
      f.store->Done(stage, i, 1);
    }
  }
  REQUIRE(f.RunBank(1, {6, 7}));
  CHECK_EQ(f.store->size().slots, uint64_t{3});
  CHECK(f.store->End().ok());
  CHECK(f.store->size().occupied <= 3);
}

TEST(what_was_used_most_is_read_before_anybody_asks) {
  Fixture f(2, 4, 2, 3);
  REQUIRE(f.store != nullptr);
  CHECK(f.store->Recall(std::vector<float>{0.1f, 0.9f}).code == base::StatusCode::kInvalidRequest);
  REQUIRE(f.store->Recall(std::vector<float>{0.1f, 0.9f, 0.0f, 0.2f, 0.0f, 0.0f, 0.7f, 0.8f}).ok());
  // Expert 1 of bank 0, and 3 and 2 of bank 1: as many as there are slots.
  while (f.store->stats().bytes_read < 6 * kPage) std::this_thread::yield();
  CHECK(f.RunBank(0, {1}) && f.RunBank(1, {2, 3}));
  CHECK(f.store->End().ok());
  CHECK_EQ(f.store->stats().hits, uint64_t{3});
  CHECK_EQ(f.reader->reads, uint64_t{6});
  // What comes instead is read as ever, and counted.
  CHECK(f.RunBank(0, {0, 1}));
  CHECK(f.store->End().ok());
  const std::vector<stream::BankUse> uses = f.store->uses();
  REQUIRE(uses.size() == 2);
  CHECK_EQ(uses[0].tokens, uint64_t{2});
  CHECK(uses[0].experts == (std::vector<uint64_t>{1, 2, 0, 0}));
  CHECK(uses[1].experts == (std::vector<uint64_t>{0, 0, 1, 1}));
  CHECK(uses[0].in_memory[0] && uses[0].in_memory[1] && !uses[0].in_memory[2]);
  CHECK_EQ(uses[1].in_memory.size(), size_t{4});
  CHECK_EQ(std::count(uses[1].in_memory.begin(), uses[1].in_memory.end(), true), 1);
}

TEST(guesses_are_read_where_that_makes_steps_shorter) {
  const auto share_open = [](double with, double without) {
    stream::EarlyGate gate;
    int open = 0;
    for (int step = 0; step < 800; ++step) {
      if (step >= 100) open += gate.open();
      gate.Add((gate.open() ? with : without) * (step % 5 == 0 ? 1.3 : 1.0), 4);
    }
    return open / 700.0;
  };
  CHECK(share_open(0.05, 0.07) > 0.85);
  CHECK(share_open(0.07, 0.05) < 0.15);
  CHECK(share_open(0.05, 0.05) < 0.15);  // of no use
}

ZELL_TEST_MAIN
