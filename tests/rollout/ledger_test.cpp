// Who samples what, and which step trains on it.
#include "reckon/rollout/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <set>

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Numbers = std::vector<std::int64_t>;

LedgerConfig in_order(std::int64_t steps, std::int64_t prompts, std::int64_t max_staleness) {
  return {.steps = steps, .prompts_per_step = prompts, .schedule = {.max_staleness = max_staleness}};
}

LedgerConfig as_completed(std::int64_t steps, std::int64_t prompts, std::int64_t max_staleness,
                          double over_issue = 0) {
  return {
      .steps = steps,
      .prompts_per_step = prompts,
      .schedule = {
          .max_staleness = max_staleness, .admission = Admission::as_completed, .over_issue = over_issue}};
}

TEST(LedgerInOrder, TakesTurnsWhereNothingMayBeStale) {
  RolloutLedger ledger(in_order(2, 3, 0));
  EXPECT_FALSE(ledger.issue(1, 8)) << "no weights are there yet";
  ledger.weights_published(0);
  const auto first = ledger.issue(1, 2);
  ASSERT_TRUE(first);
  EXPECT_THAT(first->groups, ElementsAre(0, 1));
  EXPECT_EQ(first->weights, 0);
  const auto second = ledger.issue(2, 8);
  ASSERT_TRUE(second);
  EXPECT_THAT(second->groups, ElementsAre(2)) << "the next ones belong to step 2";
  EXPECT_FALSE(ledger.issue(1, 8));
  ledger.complete(2, 2, 0);
  ledger.complete(1, 1, 0);
  EXPECT_FALSE(ledger.take(1));
  ledger.complete(1, 0, 0);
  EXPECT_EQ(ledger.take(1), (Numbers{0, 1, 2}));
  EXPECT_FALSE(ledger.issue(1, 8));
  ledger.weights_published(1);
  const auto third = ledger.issue(1, 8);
  ASSERT_TRUE(third);
  EXPECT_THAT(third->groups, ElementsAre(3, 4, 5));
  EXPECT_EQ(third->weights, 1);
  for (const std::int64_t group : third->groups) ledger.complete(1, group, 1);
  EXPECT_TRUE(ledger.take(2));
  ledger.weights_published(2);
  EXPECT_FALSE(ledger.issue(1, 8)) << "the stage has no more steps";
  ledger.check_books();
}

/// Steps 1 and 2 are both sampled by the first weights, step 3 by those of step 1, and so on.
TEST(LedgerInOrder, SamplesEachStepByTheWeightsOfItsLag) {
  RolloutLedger ledger(in_order(4, 2, 1));
  ledger.weights_published(0);
  const auto first = ledger.issue(1, 8);
  ASSERT_TRUE(first);
  EXPECT_THAT(first->groups, ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(first->weights, 0);
  EXPECT_FALSE(ledger.issue(1, 8));
  ledger.weights_published(1);
  const auto second = ledger.issue(1, 8);
  ASSERT_TRUE(second);
  EXPECT_THAT(second->groups, ElementsAre(4, 5));
  EXPECT_EQ(second->weights, 1);
  // A worker has one set of weights at a time: two lags are two issues.
  ledger.weights_published(2);
  ledger.weights_published(3);
  const auto third = ledger.issue(2, 8);
  ASSERT_TRUE(third);
  EXPECT_THAT(third->groups, ElementsAre(6, 7));
  EXPECT_EQ(third->weights, 2);
}

TEST(LedgerAsCompleted, StepsTakeWhatIsCompleteFirst) {
  RolloutLedger ledger(as_completed(2, 2, 1));
  ledger.weights_published(0);
  const auto issued = ledger.issue(7, 100);
  ASSERT_TRUE(issued);
  EXPECT_THAT(issued->groups, ElementsAre(0, 1, 2, 3)) << "(0 steps + 1 + 1 of staleness) * 2";
  ledger.complete(7, 3, 0);
  EXPECT_FALSE(ledger.take(1));
  ledger.complete(7, 1, 0);
  EXPECT_EQ(ledger.take(1), (Numbers{3, 1}));
  EXPECT_FALSE(ledger.issue(7, 100)) << "two steps need four groups";
  ledger.complete(7, 0, 0);
  ledger.complete(7, 2, 0);
  EXPECT_EQ(ledger.take(2), (Numbers{0, 2}));
  EXPECT_THAT(ledger.take_dropped(), ElementsAre());
  ledger.check_books();
}

TEST(LedgerAsCompleted, DropsWhatIsTooOldAndHandsOutOthers) {
  RolloutLedger ledger(as_completed(3, 1, 0, 1.0));
  ledger.weights_published(0);
  EXPECT_THAT(ledger.issue(1, 9)->groups, ElementsAre(0, 1)) << "one more than the step needs";
  ledger.complete(1, 1, 0);
  EXPECT_EQ(ledger.take(1), (Numbers{1}));
  ledger.weights_published(1);
  ledger.complete(1, 0, 0);
  EXPECT_FALSE(ledger.take(2)) << "sampled by weights of step 0, and step 2 starts from those of step 1";
  EXPECT_THAT(ledger.take_dropped(), ElementsAre(0));
  EXPECT_EQ(ledger.num_dropped(), 1);
  EXPECT_THAT(ledger.issue(1, 9)->groups, ElementsAre(2, 3));
  ledger.drop(1, 3);
  ledger.complete(1, 2, 1);
  EXPECT_EQ(ledger.take(2), (Numbers{2}));
  EXPECT_EQ(ledger.num_dropped(), 2);
  ledger.check_books();
}

TEST(Ledger, RefusesGroupsOfOthers) {
  RolloutLedger ledger(in_order(1, 2, 0));
  ledger.weights_published(0);
  ASSERT_TRUE(ledger.issue(1, 1));
  for (const auto& [worker, group] : {std::pair{2, 0}, std::pair{1, 1}}) {
    try {
      ledger.complete(worker, group, 0);
      FAIL() << "worker " << worker << " completed group " << group;
    } catch (const std::invalid_argument& error) {
      EXPECT_THAT(error.what(), HasSubstr("group " + std::to_string(group) + " is not one that worker " +
                                          std::to_string(worker)));
    }
  }
}

TEST(LedgerAsCompleted, GoesOnWithWhatWasPending) {
  RolloutLedger ledger(as_completed(5, 2, 1));
  ledger.weights_published(0);
  ASSERT_EQ(ledger.issue(1, 100)->groups.size(), 4u);
  ledger.complete(1, 2, 0);
  ledger.complete(1, 0, 0);
  ledger.complete(1, 3, 0);
  ASSERT_TRUE(ledger.take(1));
  const LedgerState cut = ledger.state();
  EXPECT_EQ(cut, (LedgerState{.steps_done = 1, .next_group = 4, .pending = {1, 3}, .dropped = 0}));
  RolloutLedger resumed(as_completed(5, 2, 1), cut);
  resumed.check_books();
  resumed.weights_published(1);
  EXPECT_THAT(resumed.issue(9, 100)->groups, ElementsAre(1, 3, 4, 5));
  resumed.check_books();
}

/// Workers that come and go at random, weights that come late, a resumption in the middle: no prompt is lost,
/// none is trained on twice, and none is trained on that is older than allowed.
TEST(LedgerAsCompleted, KeepsItsBooksInAnyOrder) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const auto below = [&](std::size_t n) {
      return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
    };
    const std::int64_t k = static_cast<std::int64_t>(below(4));
    const LedgerConfig config = as_completed(12, 3, k, static_cast<double>(below(3)) / 2);
    auto ledger = std::make_unique<RolloutLedger>(config);
    std::map<std::int64_t, std::pair<int, std::int64_t>> held;  // group: worker, weights
    std::set<std::int64_t> trained, dropped;
    std::map<std::int64_t, std::int64_t> oldest;
    std::int64_t published = 0, step = 1;
    ledger->weights_published(0);
    while (step <= config.steps) {
      const int worker = static_cast<int>(below(3));
      if (const auto issue = ledger->issue(worker, 1 + static_cast<std::int64_t>(below(3)))) {
        for (const std::int64_t group : issue->groups) {
          ASSERT_FALSE(held.contains(group) || trained.contains(group) || dropped.contains(group));
          held[group] = {worker, published};
        }
      }
      if (!held.empty()) {
        auto it = held.begin();
        std::advance(it, static_cast<std::ptrdiff_t>(below(held.size())));
        const auto [group, owner] = *it;
        oldest[group] = owner.second;
        ledger->complete(owner.first, group, owner.second);
        held.erase(it);
      }
      if (const auto groups = ledger->take(step)) {
        for (const std::int64_t group : *groups) {
          ASSERT_TRUE(trained.insert(group).second) << "twice";
          ASSERT_LE(step - 1 - oldest[group], k) << "too old";
        }
        published = step++;
        ledger->weights_published(published);
      }
      for (const std::int64_t group : ledger->take_dropped()) ASSERT_TRUE(dropped.insert(group).second);
      ledger->check_books();
      if (below(20) == 0) {
        ledger = std::make_unique<RolloutLedger>(config, ledger->state());
        ledger->weights_published(published);
        held.clear();  // what was being sampled is sampled again
      }
    }
    const LedgerState end = ledger->state();
    EXPECT_EQ(trained.size(), 36u);
    EXPECT_EQ(static_cast<std::int64_t>(trained.size() + dropped.size() + end.pending.size()),
              end.next_group);
  }
}

}  // namespace
}  // namespace reckon
