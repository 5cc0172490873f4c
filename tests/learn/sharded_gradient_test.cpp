// The sums have the bits of the tree on 1, 2 and 4 ranks.
#include "reckon/learn/sharded_gradient.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "reckon/learn/learner.h"
#include "reckon/learn/parameter_part.h"
#include "reckon/ops/sums.h"
#include "support/mpi_world.h"
#include "support/numbers.h"

namespace reckon {
namespace {

/// Several blocks, the last one not whole.
constexpr std::size_t kSize = 5 * kSquaresBlock + 77;

std::vector<float> leaf(std::size_t size, std::int64_t number) {
  return testing::normal_values(size, static_cast<std::uint64_t>(number) + 1, 1e3);
}

/// The tree by its definition.
std::vector<float> node(std::size_t size, std::int64_t level, std::int64_t index, std::int64_t leaves) {
  if (level == 0) return leaf(size, index);
  std::vector<float> sum = node(size, level - 1, 2 * index, leaves);
  if ((2 * index + 1) << (level - 1) < leaves) {
    const std::vector<float> right = node(size, level - 1, 2 * index + 1, leaves);
    for (std::size_t i = 0; i < size; ++i) sum[i] += right[i];
  }
  return sum;
}

std::vector<float> sum_of_leaves(std::size_t size, std::int64_t leaves) {
  if (leaves == 0) return std::vector<float>(size, 0.0f);
  std::int64_t levels = 0;
  while ((std::int64_t{1} << levels) < leaves) ++levels;
  return node(size, levels, 0, leaves);
}

/// This rank's part of the sum, put together from all ranks.
std::vector<float> summed(ShardedGradient& gradient, std::size_t size, std::int64_t leaves) {
  Communicator& world = testing::mpi_world();
  gradient.begin(leaves);
  const Range mine = share_of(leaves, world.rank(), world.size());
  for (std::int64_t number = mine.begin; number < mine.end; ++number) {
    const std::vector<float> values = leaf(size, number);
    const std::span<float> to = gradient.begin_leaf();
    for (std::size_t i = 0; i < size; ++i) to[i] += values[i];
    if (number % 2 == 0) {  // as a backward pass that says how far it is
      for (const std::size_t quarters : {3, 2, 1}) gradient.push(number, size * quarters / 4);
    }
    gradient.push(number);
  }
  const std::span<const float> part = gradient.finish();
  EXPECT_EQ(part.size(), static_cast<std::size_t>(gradient.part().size()));
  return gather_values(world, part);
}

void expect_bits(const std::vector<float>& actual, const std::vector<float>& expected, std::int64_t leaves) {
  ASSERT_EQ(actual.size(), expected.size());
  EXPECT_EQ(std::memcmp(actual.data(), expected.data(), actual.size() * sizeof(float)), 0)
      << leaves << " leaves, " << actual.size() << " values";
}

TEST(ParameterPart, IsWholeBlocksByHand) {
  constexpr std::int64_t kBlock = 4096;
  const std::int64_t five = 4 * kBlock + 1;  // blocks; 5 over 3 ranks are 1, 2 and 2
  EXPECT_EQ(parameter_part(five, 0, 3).end, kBlock);
  EXPECT_EQ(parameter_part(five, 1, 3).end, 3 * kBlock);
  EXPECT_EQ(parameter_part(five, 2, 3).end, five);
  EXPECT_EQ(parameter_part(10, 0, 2).size(), 0);  // one block, of the last rank
  EXPECT_EQ(parameter_part(10, 1, 2).size(), 10);
  EXPECT_EQ(parameter_part(0, 0, 1).size(), 0);
}

TEST(ParameterPart, PartsFollowEachOther) {
  for (const std::int64_t parameters : {1, 4095, 4096, 4097, 100'000, 790'000}) {
    for (const int size : {1, 2, 3, 4, 8, 512}) {
      std::int64_t end = 0;
      for (int rank = 0; rank < size; ++rank) {
        const Range part = parameter_part(parameters, rank, size);
        EXPECT_EQ(part.begin, end);
        EXPECT_LE(part.size(), (parameters / 4096 / size + 2) * 4096);
        end = part.end;
      }
      EXPECT_EQ(end, parameters);
    }
  }
}

TEST(ParameterPart, IntersectionsLieWithinTheFirst) {
  const auto common = [](Range a, Range b) {
    const Range c = intersection(a, b);
    return std::pair(c.begin, c.end);
  };
  EXPECT_EQ(common({2, 8}, {4, 6}), std::pair(std::int64_t{4}, std::int64_t{6}));
  EXPECT_EQ(common({2, 8}, {0, 3}), std::pair(std::int64_t{2}, std::int64_t{3}));
  EXPECT_EQ(common({2, 8}, {9, 12}), std::pair(std::int64_t{8}, std::int64_t{8}));
  EXPECT_EQ(common({2, 8}, {0, 1}), std::pair(std::int64_t{2}, std::int64_t{2}));
}

TEST(ShardedGradient, GivesTheBitsOfTheTreeForAnySpread) {
  ShardedGradient gradient(kSize, testing::mpi_world());
  for (const std::int64_t leaves : {1, 2, 3, 5, 7, 8, 13, 16, 21, 0, 1}) {
    for (int repeat = 0; repeat < 2; ++repeat)  // the second time with used buffers
      expect_bits(summed(gradient, kSize, leaves), sum_of_leaves(kSize, leaves), leaves);
  }
}

TEST(ShardedGradient, ModelsOfLessThanABlockAreOneRanks) {
  ShardedGradient gradient(10, testing::mpi_world());
  for (const std::int64_t leaves : {0, 1, 6})
    expect_bits(summed(gradient, 10, leaves), sum_of_leaves(10, leaves), leaves);
}

// More buckets than are under way at once.
TEST(ShardedGradient, LongGradientsGoInBuckets) {
  constexpr std::size_t kLong = (kMostInFlight + 2) * kBucket + 13;
  Communicator& world = testing::mpi_world();
  ShardedGradient gradient(kLong, world);
  gradient.begin(3);
  const Range mine = share_of(3, world.rank(), world.size());
  for (std::int64_t number = mine.begin; number < mine.end; ++number) {
    const std::span<float> to = gradient.begin_leaf();
    for (std::size_t i = 0; i < kLong; ++i)
      to[i] = static_cast<float>(i % 1000) * static_cast<float>(number + 1);
    for (std::size_t layer = 9; layer > 0; --layer) gradient.push(number, kLong / 10 * layer);
    gradient.push(number);
  }
  const std::span<const float> part = gradient.finish();
  const auto first = static_cast<std::size_t>(gradient.part().begin);
  for (std::size_t i = 0; i < part.size(); ++i)
    ASSERT_EQ(part[i], static_cast<float>((first + i) % 1000) * 6.0f) << first + i;
}

TEST(ShardedGradient, ARankWithoutLeavesHoldsItsPartAlone) {
  Communicator& world = testing::mpi_world();
  ShardedGradient gradient(kSize, world);
  summed(gradient, kSize, 1);  // of the last rank
  const bool has_leaf = world.rank() + 1 == world.size();
  EXPECT_EQ(gradient.floats_held(), has_leaf ? kSize : static_cast<std::size_t>(gradient.part().size()));
}

TEST(SumOfSquaresOverRanks, HasTheBitsOfTheWholeVector) {
  Communicator& world = testing::mpi_world();
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, kSquaresBlock, kSize, 9 * kSquaresBlock}) {
    const std::vector<float> all = testing::normal_values(size, 5, 1e3);
    const Range part = parameter_part(static_cast<std::int64_t>(size), world.rank(), world.size());
    const auto mine =
        std::span(all).subspan(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.size()));
    EXPECT_EQ(sum_of_squares_over_ranks(world, mine), sum_of_squares(all)) << size;
  }
}

TEST(SumOfSquaresOverRanks, OneThatIsNotFiniteIsSeenByAll) {
  Communicator& world = testing::mpi_world();
  std::vector<float> all(kSize, 1.0f);
  all.back() = std::nanf("");
  const Range part = parameter_part(static_cast<std::int64_t>(kSize), world.rank(), world.size());
  const auto mine =
      std::span(all).subspan(static_cast<std::size_t>(part.begin), static_cast<std::size_t>(part.size()));
  EXPECT_TRUE(std::isnan(sum_of_squares_over_ranks(world, mine)));
}

}  // namespace
}  // namespace reckon
