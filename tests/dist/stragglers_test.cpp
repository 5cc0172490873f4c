#include "reckon/dist/stragglers.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "support/mpi_world.h"

namespace reckon {
namespace {

using ::testing::ThrowsMessage;

PhaseTimes of(std::vector<double> seconds) {
  std::vector<std::string> hosts;
  for (std::size_t rank = 0; rank < seconds.size(); ++rank)
    hosts.push_back("node" + std::to_string(rank / 2));
  return phase_times(seconds, hosts);
}

TEST(PhaseTimes, OfAnOddNumberOfRanks) {
  const PhaseTimes times = of({2.0, 1.0, 8.0, 2.5, 1.5});  // sorted: 1, 1.5, 2, 2.5, 8
  EXPECT_EQ(times.median_s, 2.0);
  EXPECT_EQ(times.slowest_s, 8.0);
  EXPECT_EQ(times.slowest_rank, 2);
  EXPECT_EQ(times.slowest_host, "node1");
  EXPECT_EQ(times.ratio, 4.0);
}

TEST(PhaseTimes, OfAnEvenNumberTheMedianIsBetween) {
  const PhaseTimes times = of({1.0, 3.0, 5.0, 5.0});
  EXPECT_EQ(times.median_s, 4.0);
  EXPECT_EQ(times.slowest_rank, 2);  // the first of two
  EXPECT_EQ(times.ratio, 1.25);
}

TEST(PhaseTimes, OfNothingToDo) {
  EXPECT_EQ(of({0.0, 0.0}).ratio, 1.0);
  EXPECT_EQ(of({0.0, 1e-7}).ratio, 1.0);
  EXPECT_DOUBLE_EQ(of({0.0, 0.0, 2.0}).ratio, 2e6);
  EXPECT_EQ(of({3.0}).ratio, 1.0);
}

TEST(PhaseTimes, RefusesWhatIsNoTime) {
  EXPECT_THAT(
      [] {
        (void)of({1.0, -0.5});
      },
      ThrowsMessage<Error>("phase_times: got -0.500000 s of rank 1 (need a finite time, 0 or more)"));
  EXPECT_THROW((void)of({std::nan("")}), Error);
  EXPECT_THROW((void)of({std::numeric_limits<double>::infinity()}), Error);
  EXPECT_THAT([] { (void)of({}); },
              ThrowsMessage<Error>("phase_times: 0 times of 0 ranks (need one of each)"));
}

TEST(GatherPhaseTimes, IsTheSameOnEveryRank) {
  Communicator& world = testing::mpi_world();
  // The last rank samples longest, the first one learns longest.
  const std::vector<double> mine{1.0 + world.rank(), 10.0 - world.rank()};
  const std::vector<PhaseTimes> phases = gather_phase_times(world, mine);
  ASSERT_EQ(phases.size(), 2U);
  EXPECT_EQ(phases[0].slowest_rank, world.size() - 1);
  EXPECT_EQ(phases[0].slowest_s, world.size());
  EXPECT_EQ(phases[0].median_s, (world.size() + 1) / 2.0);
  EXPECT_EQ(phases[0].slowest_host, host_name());
  EXPECT_EQ(phases[1].slowest_rank, 0);
  EXPECT_EQ(phases[1].slowest_s, 10.0);
}

TEST(GatherPhaseTimes, NamesARankWithOtherPhases) {
  Communicator& world = testing::mpi_world();
  if (world.size() == 1) GTEST_SKIP() << "needs two ranks";
  const std::vector<double> mine(world.rank() == 1 ? 2 : 3, 1.0);
  const std::string message = world.rank() == 1 ? "gather_phase_times: rank 0 gave 3 phases, this rank 2"
                                                : "gather_phase_times: rank 1 gave 2 phases, this rank 3";
  EXPECT_THAT([&] { (void)gather_phase_times(world, mine); }, ThrowsMessage<Error>(message));
}

}  // namespace
}  // namespace reckon
