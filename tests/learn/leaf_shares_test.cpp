#include "reckon/learn/leaf_shares.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "reckon/base/philox.h"

namespace reckon {
namespace {

using Cuts = std::vector<std::int64_t>;

/// Where the shares end, after a check that they follow each other.
Cuts ends(const std::vector<Range>& shares) {
  Cuts found;
  std::int64_t begin = 0;
  for (const Range& share : shares) {
    EXPECT_EQ(share.begin, begin);
    EXPECT_GE(share.end, begin);
    found.push_back(begin = share.end);
  }
  return found;
}

std::int64_t heaviest(const std::vector<std::int64_t>& weights, const Cuts& cuts) {
  std::int64_t most = 0, begin = 0;
  for (const std::int64_t end : cuts) {
    most = std::max(most, std::accumulate(weights.begin() + begin, weights.begin() + end, std::int64_t{0}));
    begin = end;
  }
  return most;
}

/// The lightest heaviest share over all ways to cut.
std::int64_t by_trial(std::span<const std::int64_t> weights, int ranks) {
  if (ranks == 1) return std::accumulate(weights.begin(), weights.end(), std::int64_t{0});
  std::int64_t best = by_trial(weights, 1), first = 0;
  for (std::size_t i = 0; i <= weights.size(); ++i) {
    best = std::min(best, std::max(first, by_trial(weights.subspan(i), ranks - 1)));
    if (i < weights.size()) first += weights[i];
  }
  return best;
}

TEST(CutByWeight, ByHand) {
  EXPECT_EQ(ends(cut_by_weight(std::vector<std::int64_t>{1, 1, 1, 1}, 2)), (Cuts{2, 4}));
  EXPECT_EQ(ends(cut_by_weight(std::vector<std::int64_t>{5, 1, 1, 1}, 2)), (Cuts{1, 4}));
  EXPECT_EQ(ends(cut_by_weight(std::vector<std::int64_t>{1, 1, 1, 5}, 2)), (Cuts{3, 4}));
  EXPECT_EQ(ends(cut_by_weight(std::vector<std::int64_t>{7}, 3)), (Cuts{1, 1, 1}));
  EXPECT_EQ(ends(cut_by_weight(std::vector<std::int64_t>{0, 0}, 2)).back(), 2);
  EXPECT_EQ(ends(cut_by_weight({}, 3)), (Cuts{0, 0, 0}));
}

TEST(CutByWeight, NoOtherCutIsLighter) {
  RandomStream random(11, 1);
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<std::int64_t> weights(random.below(9));
    for (std::int64_t& weight : weights) weight = random.below(trial % 2 == 0 ? 100 : 4);
    for (int ranks = 1; ranks <= 4; ++ranks) {
      const Cuts cuts = ends(cut_by_weight(weights, ranks));
      ASSERT_EQ(cuts.size(), static_cast<std::size_t>(ranks));
      ASSERT_EQ(cuts.back(), static_cast<std::int64_t>(weights.size()));
      EXPECT_EQ(heaviest(weights, cuts), by_trial(weights, ranks));
    }
  }
}

// Prompts of 3 tokens. Leaves of two sequences: one prompt and completions of 2 and 4 tokens are 3 + 1 + 3
// rows; two prompts and completions of 1 token 3 + 0 + 3 + 0; the last leaf has one sequence, 3 + 6.
TEST(LeafShares, WeighRowsByHand) {
  const std::vector<std::uint32_t> a = {1, 2, 3}, b = {1, 2, 4}, tokens(7, 5);
  const auto completion = [&](std::size_t size) { return std::span(tokens).first(size); };
  const std::vector<TrainSequence> sequences = {
      {a, completion(2)}, {a, completion(4)}, {a, completion(1)}, {b, completion(1)}, {a, completion(7)}};
  // 7, 6 and 9 rows: {7, 6}, {9} is better than {7}, {6, 9}.
  EXPECT_EQ(ends(leaf_shares(sequences, 2, 2)), (Cuts{2, 3}));
  EXPECT_EQ(ends(leaf_shares(sequences, 2, 3)), (Cuts{1, 2, 3}));
  EXPECT_EQ(ends(leaf_shares({}, 2, 2)), (Cuts{0, 0}));
}

}  // namespace
}  // namespace reckon
