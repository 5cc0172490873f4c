#include "reckon/dist/communicator.h"

#include <gmock/gmock.h>

#include <chrono>
#include <cmath>
#include <iterator>
#include <limits>
#include <thread>

#include "support/mpi_world.h"

namespace reckon {
namespace {

TEST(Communicator, GathersTextsOfAnyLengthInRankOrder) {
  Communicator& world = testing::mpi_world();
  const std::string mine(static_cast<std::size_t>(world.rank()) * 3, static_cast<char>('a' + world.rank()));
  const std::vector<std::string> all = world.all_gather(mine);
  ASSERT_EQ(all.size(), static_cast<std::size_t>(world.size()));
  for (int r = 0; r < world.size(); ++r) {
    EXPECT_EQ(all[static_cast<std::size_t>(r)],
              std::string(static_cast<std::size_t>(r) * 3, static_cast<char>('a' + r)));
  }
  const std::vector<std::string> at_root = world.gather(mine, world.size() - 1);
  EXPECT_EQ(at_root, world.rank() == world.size() - 1 ? all : std::vector<std::string>{});
}

TEST(Communicator, SumsInRankOrderWithTheSameBitsEverywhere) {
  Communicator& world = testing::mpi_world();
  // 1e16 + 1 loses the 1: the sum depends on the order, which is that of the ranks.
  std::vector<double> values{world.rank() == 0 ? 1e16 : 1.0, static_cast<double>(world.rank())};
  double expected = 1e16;
  for (int r = 1; r < world.size(); ++r) expected += 1.0;
  world.sum(values);
  EXPECT_EQ(values[0], expected);
  EXPECT_EQ(values[1], world.size() * (world.size() - 1) / 2.0);
  std::vector<std::int64_t> counts{world.rank() + 1};
  world.sum(counts);
  EXPECT_EQ(counts[0], world.size() * (world.size() + 1) / 2);
}

TEST(Communicator, MaximumKeepsANaNOfAnyRank) {
  Communicator& world = testing::mpi_world();
  std::vector<double> values{static_cast<double>(world.rank()), world.rank() == world.size() - 1
                                                                    ? std::numeric_limits<double>::quiet_NaN()
                                                                    : 5.0};
  world.maximum(values);
  EXPECT_EQ(values[0], world.size() - 1);
  EXPECT_TRUE(std::isnan(values[1]));
}

TEST(Communicator, BroadcastsFromAnyRoot) {
  Communicator& world = testing::mpi_world();
  const int root = world.size() - 1;
  std::vector<int> values{world.rank() == root ? 42 : 0};
  world.broadcast(std::as_writable_bytes(std::span(values)), root);
  EXPECT_EQ(values[0], 42);
}

TEST(Communicator, NamesTheFirstRankThatDisagrees) {
  Communicator& world = testing::mpi_world();
  EXPECT_FALSE(first_disagreement(world, "same").has_value());
  const auto found = first_disagreement(world, world.rank() < 1 ? "a" : "b" + std::to_string(world.rank()));
  ASSERT_EQ(found.has_value(), world.size() > 1);
  if (!found) return;
  EXPECT_EQ(found->rank, 1);
  EXPECT_EQ(found->text, "b1");
  EXPECT_EQ(found->first_text, "a");
}

/// What rank `from` says to rank `to` in exchange `number`: of any length, also none and more than a slot.
std::string said(int from, int to, int number) {
  constexpr std::size_t kLengths[] = {0, 1, 112, 113, 5000, 300001};
  const auto pick = static_cast<std::size_t>(from * 7 + to * 3 + number);
  std::string text(kLengths[pick % std::size(kLengths)], '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(pick * 31 + i % 251);
  return text;
}
std::vector<std::string> said_by(const Communicator& world, int number) {
  std::vector<std::string> parts;
  for (int to = 0; to < world.size(); ++to) parts.push_back(said(world.rank(), to, number));
  return parts;
}
std::vector<std::string> said_to(const Communicator& world, int number) {
  std::vector<std::string> parts;
  for (int from = 0; from < world.size(); ++from) parts.push_back(said(from, world.rank(), number));
  return parts;
}

TEST(Communicator, PartsOfOddSizesComeToWhomTheyAreFor) {
  Communicator& world = testing::mpi_world();
  for (int number = 0; number < 12; ++number) {
    EXPECT_EQ(world.all_to_all(said_by(world, number)), said_to(world, number)) << number;
    std::vector<std::string> all;
    for (int from = 0; from < world.size(); ++from) all.push_back(said(from, 0, number));
    EXPECT_EQ(world.all_gather(said(world.rank(), 0, number)), all) << number;
    const int root = number % world.size();
    const auto at_root = world.gather(said(world.rank(), 0, number), root);
    EXPECT_EQ(at_root, world.rank() == root ? all : std::vector<std::string>()) << number;
    std::string text = world.rank() == root ? said(root, 0, number)
                                            : std::string(all[static_cast<std::size_t>(root)].size(), '?');
    world.broadcast(std::as_writable_bytes(std::span(text)), root);
    EXPECT_EQ(text, all[static_cast<std::size_t>(root)]) << number;
  }
}

TEST(Communicator, ExchangesGoOnBesideOtherCollectives) {
  Communicator& world = testing::mpi_world();
  std::vector<std::unique_ptr<PendingExchange>> exchanges;
  for (int number = 0; number < 6; ++number) {
    exchanges.push_back(world.start_all_to_all(said_by(world, number)));
    std::vector<std::int64_t> counts{world.rank() + 1};
    world.sum(counts);
    EXPECT_EQ(counts[0], world.size() * (world.size() + 1) / 2);
  }
  // Waited for in another order than they were started, and in another one on each rank.
  for (int i = 0; i < 6; ++i) {
    const int number = world.rank() % 2 == 0 ? 5 - i : (i * 5 + 1) % 6;
    EXPECT_EQ(exchanges[static_cast<std::size_t>(number)]->wait(), said_to(world, number)) << number;
  }
}

TEST(Communicator, AnExchangeIsDoneByBeingAsked) {
  Communicator& world = testing::mpi_world();
  const auto exchange = world.start_all_to_all(said_by(world, 3));
  while (!exchange->is_done()) std::this_thread::yield();
  EXPECT_EQ(exchange->wait(), said_to(world, 3));
  world.barrier();
}

TEST(Communicator, ARankInABarrierServesExchanges) {
  Communicator& world = testing::mpi_world();
  const auto exchange = world.start_all_to_all(said_by(world, 4));
  // Rank 0 comes to the barrier only with what the others send, and they wait there.
  if (world.rank() == 0) {
    EXPECT_EQ(exchange->wait(), said_to(world, 4));
  }
  world.barrier();
  if (world.rank() != 0) {
    EXPECT_EQ(exchange->wait(), said_to(world, 4));
  }
}

TEST(Communicator, AnExchangeMayBeDropped) {
  Communicator& world = testing::mpi_world();
  { const auto dropped = world.start_all_to_all(said_by(world, 5)); }
  EXPECT_EQ(world.all_to_all(said_by(world, 6)), said_to(world, 6));
}

TEST(Communicator, SplitsAgainAndAgain) {
  Communicator& world = testing::mpi_world();
  const auto half = world.split(world.rank() % 2);
  EXPECT_EQ(half->rank(), world.rank() / 2);
  EXPECT_EQ(half->size(), (world.size() + 1 - world.rank() % 2) / 2);
  const auto alone = half->split(half->rank());
  EXPECT_EQ(alone->size(), 1);
  EXPECT_EQ(alone->all_to_all({"to myself"}), std::vector<std::string>{"to myself"});
  EXPECT_EQ(half->host(0), host_name());
  // The halves talk at the same time, with an exchange of all under way.
  const auto exchange = world.start_all_to_all(said_by(world, 1));
  std::vector<std::string> same_half;
  for (int r = world.rank() % 2; r < world.size(); r += 2) same_half.push_back(said(r, 9, 2));
  EXPECT_EQ(half->all_gather(said(world.rank(), 9, 2)), same_half);
  EXPECT_EQ(exchange->wait(), said_to(world, 1));
  std::vector<std::int64_t> one{1};
  half->sum(one);
  EXPECT_EQ(one[0], half->size());
}

TEST(Communicator, RefusesAnExchangeWithoutAPartForEachRank) {
  Communicator& world = testing::mpi_world();
  const std::size_t num_parts = static_cast<std::size_t>(world.size()) + 1;
  const auto start = [&] { (void)world.start_all_to_all(std::vector<std::string>(num_parts)); };
  EXPECT_THAT(start,
              ::testing::ThrowsMessage<Error>("Communicator: " + std::to_string(num_parts) + " parts for " +
                                              std::to_string(world.size()) + " ranks (need one for each)"));
}

TEST(Communicator, RefusesWhatMpiCannotCount) {
  Communicator& world = testing::mpi_world();
  // Never read: the length alone is refused.
  const std::string_view too_long("", std::size_t{1} << 31);
  const std::string message = "Communicator: a message of 2147483648 bytes (MPI takes 2^31 - 1)";
  EXPECT_THAT([&] { (void)world.all_gather(too_long); }, ::testing::ThrowsMessage<Error>(message));
  EXPECT_THAT([&] { (void)world.gather(too_long, 0); }, ::testing::ThrowsMessage<Error>(message));
  const std::span<std::byte> nothing_of_it(static_cast<std::byte*>(nullptr), too_long.size());
  EXPECT_THAT([&] { world.broadcast(nothing_of_it, 0); }, ::testing::ThrowsMessage<Error>(message));
  world.barrier();
}

TEST(Communicator, CountsHowLongItWaits) {
  Communicator& world = testing::mpi_world();
  if (world.size() == 1) GTEST_SKIP() << "nobody to wait for";
  world.barrier();
  EXPECT_GE(world.waited_seconds(), 0.0);
  if (world.rank() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const auto part = world.split(0);  // its waits are of the same account
  const double waited = world.waited_seconds();
  if (world.rank() != 0) {
    EXPECT_GE(waited, 0.15);
  }
  EXPECT_EQ(world.waited_seconds(), 0.0);
}

TEST(ShareOf, CoversEverythingOnceAndEvenly) {
  for (const std::int64_t count : {0, 1, 7, 512}) {
    for (const int size : {1, 2, 3, 4}) {
      std::int64_t next = 0;
      for (int rank = 0; rank < size; ++rank) {
        const Range range = share_of(count, rank, size);
        EXPECT_EQ(range.begin, next);
        EXPECT_GE(range.size(), count / size);
        EXPECT_LE(range.size(), count / size + 1);
        next = range.end;
      }
      EXPECT_EQ(next, count);
    }
  }
}

}  // namespace
}  // namespace reckon
