#include "reckon/learn/gradient_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "support/numbers.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kSize = 50;

std::vector<float> leaf(std::int64_t number) {
  return testing::normal_values(kSize, static_cast<std::uint64_t>(number) + 1, 1e3);
}

void put_leaf(GradientTree& tree, std::int64_t number) {
  const std::vector<float> values = leaf(number);
  const std::span<float> to = tree.begin_leaf();
  for (std::size_t i = 0; i < kSize; ++i) to[i] += values[i];
}

std::vector<TreeNode> places(GradientTree& tree) {
  std::vector<TreeNode> found;
  for (const NodeValues& node : tree.nodes()) found.push_back(node.node);
  return found;
}

TEST(TreeNodes, AreAsFewAsLeavesCanBeSummedTo) {
  EXPECT_THAT(tree_nodes({0, 8}), ElementsAre(TreeNode{3, 0}));
  // 3 has no left neighbour here, 4 to 7 are one node, 8 and 9 another.
  EXPECT_THAT(tree_nodes({3, 10}), ElementsAre(TreeNode{0, 3}, TreeNode{2, 1}, TreeNode{1, 4}));
  EXPECT_THAT(tree_nodes({5, 7}), ElementsAre(TreeNode{0, 5}, TreeNode{0, 6}));
  EXPECT_THAT(tree_nodes({4, 4}), IsEmpty());
}

// ((a + b) + c), and not (a + (b + c)): in float32, 2^24 + 1 is 2^24, and 2^24 + 2 is not.
TEST(SumUpTree, AddsSiblingsFirst) {
  float a = 16777216, b = 1, c = 1;
  sum_up_tree(std::vector<NodeValues>{{{0, 0}, &a}, {{0, 1}, &b}, {{0, 2}, &c}}, 1);
  EXPECT_EQ(a, 16777216);
  a = 16777216, b = 1, c = 1;  // leaves 1, 2 and 3: the last two are siblings
  sum_up_tree(std::vector<NodeValues>{{{0, 1}, &a}, {{0, 2}, &b}, {{0, 3}, &c}}, 1);
  EXPECT_EQ(a, 16777218);
}

TEST(GradientTree, HoldsTheNodesOfItsLeaves) {
  GradientTree tree(kSize);
  for (std::int64_t number = 3; number < 10; ++number) {
    put_leaf(tree, number);
    tree.push(number);
    EXPECT_EQ(places(tree), tree_nodes({3, number + 1}));
  }
  tree.clear();
  EXPECT_THAT(places(tree), IsEmpty());
}

TEST(GradientTree, ALeafPushedInPiecesGivesTheSameBits) {
  GradientTree whole(kSize), pieces(kSize);
  for (std::int64_t number = 2; number < 8; ++number) {
    put_leaf(whole, number);
    whole.push(number);
    put_leaf(pieces, number);
    for (const std::size_t first : {kSize - 1, std::size_t{20}, std::size_t{20}, std::size_t{3}}) {
      pieces.push(number, first);
      EXPECT_EQ(places(pieces), tree_nodes({2, number + 1}));
      for (std::size_t i = 0; i < whole.nodes().size(); ++i) {  // what is complete can be read already
        EXPECT_EQ(std::memcmp(pieces.nodes()[i].sum + first, whole.nodes()[i].sum + first,
                              (kSize - first) * sizeof(float)),
                  0);
      }
    }
    pieces.push(number);
    for (std::size_t i = 0; i < whole.nodes().size(); ++i)
      EXPECT_EQ(std::memcmp(pieces.nodes()[i].sum, whole.nodes()[i].sum, kSize * sizeof(float)), 0);
  }
}

TEST(GradientTree, HoldsAGradientForEachLevelAndUsesThemAgain) {
  GradientTree tree(kSize);
  for (int repeat = 0; repeat < 3; ++repeat) {
    tree.clear();
    for (std::int64_t number = 0; number < 8; ++number) {
      put_leaf(tree, number);
      tree.push(number);
    }
    EXPECT_EQ(tree.floats_held(), 4 * kSize);  // nodes of 4, 2 and 1 leaves, and the leaf behind them
  }
}

}  // namespace
}  // namespace reckon
