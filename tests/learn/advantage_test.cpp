#include "reckon/learn/advantage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <numeric>

namespace reckon {
namespace {

using ::testing::Each;
using ::testing::FloatNear;
using ::testing::Pointwise;

std::vector<Verdict> graded(std::size_t count) {
  return std::vector<Verdict>(count, Verdict::wrong);
}

TEST(GroupAdvantages, MatchesHandComputedGroup) {  // mean 0.5, population deviation 0.5
  const auto result = group_advantages(std::vector{1.f, 0.f, 1.f, 0.f}, graded(4), AdvantageScale::group_std);
  EXPECT_THAT(result.advantage, Pointwise(FloatNear(1e-5f), {1.f, -1.f, 1.f, -1.f}));
  EXPECT_FALSE(result.zero_variance);
}

TEST(GroupAdvantages, DrGrpoDividesByNothing) {  // mean 0.25
  const auto result = group_advantages(std::vector{1.f, 0.f, 0.f, 0.f}, graded(4), AdvantageScale::none);
  EXPECT_THAT(result.advantage, Pointwise(FloatNear(1e-6f), {0.75f, -0.25f, -0.25f, -0.25f}));
}

TEST(GroupAdvantages, EqualRewardsGiveExactZeros) {  // float32 sums fail here
  const auto result = group_advantages(std::vector<float>(12, 1.1f), graded(12), AdvantageScale::group_std);
  EXPECT_THAT(result.advantage, Each(0.f));
  EXPECT_TRUE(result.zero_variance);
}

TEST(GroupAdvantages, AFailedGraderLeavesTheStatistics) {  // without it: mean 0.5, deviation 0.5
  const std::vector<Verdict> verdicts{Verdict::right, Verdict::grader_failed, Verdict::wrong};
  const auto result = group_advantages(std::vector{1.f, 0.f, 0.f}, verdicts, AdvantageScale::group_std);
  EXPECT_THAT(result.advantage, Pointwise(FloatNear(1e-5f), {1.f, 0.f, -1.f}));
}

TEST(GroupAdvantages, AllFailedIsNothingToLearnFrom) {
  const std::vector<Verdict> verdicts(3, Verdict::grader_failed);
  const auto result = group_advantages(std::vector{1.f, 0.f, 0.f}, verdicts, AdvantageScale::group_std);
  EXPECT_THAT(result.advantage, Each(0.f));
  EXPECT_TRUE(result.zero_variance);
}

TEST(GroupAdvantages, RefusesWhatIsNotANumber) {
  EXPECT_THROW(group_advantages(std::vector{1.f, std::numeric_limits<float>::quiet_NaN()}, graded(2),
                                AdvantageScale::none),
               std::invalid_argument);
  EXPECT_THROW(group_advantages(std::vector{1.f}, graded(2), AdvantageScale::none), std::invalid_argument);
}

}  // namespace
}  // namespace reckon
