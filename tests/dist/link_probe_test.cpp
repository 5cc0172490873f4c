#include "reckon/dist/link_probe.h"

#include <gmock/gmock.h>

#include <map>
#include <numeric>
#include <set>

#include "support/mpi_world.h"

namespace reckon {
namespace {

std::vector<int> numbers(int count) {
  std::vector<int> members(static_cast<std::size_t>(count));
  std::iota(members.begin(), members.end(), 0);
  return members;
}

/// How often each pair meets; nobody is twice in a round.
std::map<std::pair<int, int>, int> meetings(const std::vector<LinkRound>& rounds) {
  std::map<std::pair<int, int>, int> count;
  for (const LinkRound& round : rounds) {
    std::set<int> busy;
    for (const auto& [first, second] : round) {
      EXPECT_LT(first, second);
      EXPECT_TRUE(busy.insert(first).second && busy.insert(second).second) << first << " " << second;
      ++count[{first, second}];
    }
  }
  return count;
}

TEST(RoundsOfPairs, LetEachMeetEachOnce) {
  for (const int n : {0, 1, 2, 3, 4, 7, 8, 33}) {
    const auto rounds = rounds_of_pairs(numbers(n));
    const auto count = meetings(rounds);
    EXPECT_EQ(count.size(), static_cast<std::size_t>(n * (n - 1) / 2)) << n;
    for (const auto& [pair, times] : count) EXPECT_EQ(times, 1) << pair.first << " " << pair.second;
    EXPECT_LE(rounds.size(), static_cast<std::size_t>(n)) << n;
  }
  EXPECT_EQ(rounds_of_pairs({4, 9}), (std::vector<LinkRound>{{{4, 9}}}));
}

TEST(RoundsOfPairs, OfManyAreFew) {
  const auto count = meetings(rounds_of_pairs(numbers(100), 64));
  std::map<int, std::set<int>> met;
  for (const auto& [pair, times] : count) {
    EXPECT_EQ(times, 1);
    met[pair.first].insert(pair.second);
    met[pair.second].insert(pair.first);
  }
  EXPECT_THAT(met.at(0), ::testing::UnorderedElementsAre(1, 2, 4, 8, 16, 32, 64, 99, 98, 96, 92, 84, 68, 36));
  EXPECT_EQ(met.size(), 100U);
}

TEST(ProbeLinks, ReadsAllPairsTheSameOnEveryRank) {
  Communicator& world = testing::mpi_world();
  const auto readings = probe_links(world, rounds_of_pairs(numbers(world.size())),
                                    {.sizes = {1000, 300'000}, .repeats = 4, .time_s = 20, .deadline_s = 60});
  ASSERT_EQ(readings.size(), static_cast<std::size_t>(world.size() * (world.size() - 1) / 2));
  std::string text;
  for (const LinkReading& reading : readings) {
    EXPECT_TRUE(reading.is_whole);
    EXPECT_GT(reading.round_trip_s, 0);
    EXPECT_LE(reading.round_trip_s, reading.slowest_round_trip_s);
    ASSERT_EQ(reading.sizes.size(), 2U);
    EXPECT_EQ(reading.sizes[1].bytes, 300'000U);
    EXPECT_GT(reading.sizes[1].bytes_per_s, 0);
    // One clock: what is read of it is wrong by half the round trip at most.
    EXPECT_LE(std::abs(reading.clock_ahead_s), reading.round_trip_s / 2 + 1e-6);
    text += std::to_string(reading.round_trip_s * 1e9) + " " + std::to_string(reading.first) + "-" +
            std::to_string(reading.second) + " ";
  }
  EXPECT_FALSE(first_disagreement(world, text).has_value());
}

TEST(ProbeLinks, BeginsNoLargerMessageWhereTimeIsUp) {
  Communicator& world = testing::mpi_world();
  if (world.size() == 1) return;
  const auto readings = probe_links(world, {{{0, 1}}}, {.sizes = {1000, 2000, 3000}, .time_s = 1e-9});
  ASSERT_EQ(readings.size(), 1U);
  ASSERT_EQ(readings[0].sizes.size(), 1U);
  EXPECT_EQ(readings[0].sizes[0].bytes, 1000U);
}

TEST(MpiLibrary, SaysWhatItIs) {
  EXPECT_THAT(mpi_library(), ::testing::MatchesRegex("Open MPI v[0-9.]+"));
}

}  // namespace
}  // namespace reckon
