#include "reckon/dist/communicator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

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
