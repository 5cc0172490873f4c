#include "reckon/learn/gradient_tree.h"

#include <gtest/gtest.h>

#include <cstring>

#include "support/mpi_world.h"
#include "support/numbers.h"

namespace reckon {
namespace {

constexpr std::size_t kSize = 50;

std::vector<float> leaf(std::int64_t number) {
  return testing::normal_values(kSize, static_cast<std::uint64_t>(number) + 1, 1e3);
}

/// The tree by its definition.
std::vector<float> node(std::int64_t level, std::int64_t index, std::int64_t leaves) {
  if (level == 0) return leaf(index);
  std::vector<float> sum = node(level - 1, 2 * index, leaves);
  if ((2 * index + 1) << (level - 1) < leaves) {
    const std::vector<float> right = node(level - 1, 2 * index + 1, leaves);
    for (std::size_t i = 0; i < kSize; ++i) sum[i] += right[i];
  }
  return sum;
}

TEST(GradientTree, GivesTheBitsOfTheTreeForAnySpread) {
  Communicator& world = testing::mpi_world();
  for (const std::int64_t leaves : {1, 2, 3, 5, 7, 8, 13, 16, 21}) {
    const Range mine = share_of(leaves, world.rank(), world.size());
    GradientTree tree(kSize);
    for (int repeat = 0; repeat < 2; ++repeat) {  // the second time with used buffers
      for (std::int64_t number = mine.begin; number < mine.end; ++number) {
        const std::vector<float> values = leaf(number);
        const std::span<float> to = tree.begin_leaf();
        for (std::size_t i = 0; i < kSize; ++i) to[i] += values[i];
        tree.push(number);
      }
      const std::span<const float> total = tree.reduce(world);
      std::int64_t levels = 0;
      while ((std::int64_t{1} << levels) < leaves) ++levels;
      const std::vector<float> expected = node(levels, 0, leaves);
      EXPECT_EQ(std::memcmp(total.data(), expected.data(), kSize * sizeof(float)), 0) << leaves << " leaves";
    }
  }
}

// More than the 2^20 values that are summed at once.
TEST(GradientTree, LongGradientsAreSummedInPieces) {
  constexpr std::size_t kLong = (std::size_t{1} << 20) + 13;
  Communicator& world = testing::mpi_world();
  const Range mine = share_of(3, world.rank(), world.size());
  GradientTree tree(kLong);
  for (std::int64_t number = mine.begin; number < mine.end; ++number) {
    const std::span<float> to = tree.begin_leaf();
    for (std::size_t i = 0; i < kLong; ++i)
      to[i] = static_cast<float>(i % 1000) * static_cast<float>(number + 1);
    tree.push(number);
  }
  const std::span<const float> total = tree.reduce(world);
  for (std::size_t i = 0; i < kLong; i += 1021) ASSERT_EQ(total[i], static_cast<float>(i % 1000) * 6.0f) << i;
  EXPECT_EQ(total.back(), static_cast<float>((kLong - 1) % 1000) * 6.0f);
}

TEST(GradientTree, NoLeavesSumToZero) {
  GradientTree tree(kSize);
  for (int repeat = 0; repeat < 2; ++repeat) {
    const std::span<const float> total = tree.reduce(testing::mpi_world());
    EXPECT_EQ(std::vector<float>(total.begin(), total.end()), std::vector<float>(kSize, 0.0f));
  }
}

}  // namespace
}  // namespace reckon
