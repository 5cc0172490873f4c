#include "reckon/reward/grading_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "reckon/base/error.h"
#include "reckon/reward/terms.h"

namespace reckon {
namespace {

/// Arithmetic, at a speed that differs from answer to answer.
class UnevenTask final : public Task {
 public:
  const std::string& name() const override { return inner_->name(); }
  TaskKind kind() const override { return TaskKind::arithmetic; }
  std::vector<std::int64_t> levels() const override { return inner_->levels(); }
  std::string alphabet() const override { return inner_->alphabet(); }
  Problem problem(std::int64_t level, Split split, std::uint64_t seed, std::uint64_t index) const override {
    return inner_->problem(level, split, seed, index);
  }
  Grade grade(std::string_view spec, std::string_view answer) const override {
    if (answer == "7") std::this_thread::sleep_for(std::chrono::microseconds(300));
    return inner_->grade(spec, answer);
  }
  std::string wrong_answer(const Problem& problem) const override { return inner_->wrong_answer(problem); }
  std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    return inner_->distinct_problems(level);
  }

 private:
  std::unique_ptr<Task> inner_ = make_verifier(TaskKind::arithmetic);
};

std::vector<Group> sampled_groups() {
  std::vector<Group> groups(40);
  for (std::size_t g = 0; g < groups.size(); ++g) {
    groups[g].prompt.id = 100 + g;
    groups[g].visit = g % 3;
    groups[g].prompt.spec = R"({"expression":"3+)" + std::to_string(g % 10) + "\"}";
    for (std::uint32_t i = 0; i < 8; ++i) {
      Completion completion;
      completion.sample_index = i;
      completion.text = "so <answer>" + std::to_string((g + i) % 10) + "</answer>";
      completion.token_ids.assign(1 + (g * i) % 17, 0);
      completion.finish_reason = i == 5 ? FinishReason::length : FinishReason::eos;
      groups[g].completions.push_back(completion);
    }
  }
  return groups;
}

RewardConfig config_of(std::int64_t threads) {
  RewardConfig config{.random = 0.3, .language_consistency = 0.1, .length_cosine = 0.7, .overlong = 0.2};
  config.grading_threads = threads;
  return with_lengths(config, 17);
}

TEST(GradingPool, GivesTheSameBitsAsGradingInOrder) {
  const UnevenTask task;
  std::vector<Group> expected = sampled_groups();
  for (Group& group : expected) grade_group(task, config_of(1), 9, group);
  for (const std::int64_t threads : {0, 1, 2, 5}) {
    std::vector<Group> groups = sampled_groups();
    GradingPool pool(config_of(threads), 9);
    // In the order in which completions end: not that of the groups.
    for (std::size_t i = 8; i-- > 0;) {
      for (Group& group : groups) pool.grade(task, group, group.completions[i]);
    }
    pool.wait();
    int right = 0;
    for (std::size_t g = 0; g < groups.size(); ++g) {
      for (std::size_t i = 0; i < 8; ++i) {
        const Completion& a = groups[g].completions[i];
        const Completion& b = expected[g].completions[i];
        ASSERT_EQ(a.grade, b.grade);
        ASSERT_EQ(a.verdict, b.verdict);
        ASSERT_EQ(a.reward_terms, b.reward_terms);
        ASSERT_EQ(a.reward, b.reward);
        right += a.verdict == Verdict::right ? 1 : 0;
      }
    }
    EXPECT_GT(right, 10);
  }
}

TEST(GradingPool, CarriesErrorsToTheWaiter) {
  const UnevenTask task;
  for (const std::int64_t threads : {0, 1, 3}) {
    std::vector<Group> groups = sampled_groups();
    groups[7].prompt.spec = "7";
    groups[20].prompt.spec = "20";
    GradingPool pool(config_of(threads), 9);
    for (Group& group : groups) pool.grade(task, group, group.completions[0]);
    try {
      pool.wait();
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      EXPECT_STREQ(error.what(), "arithmetic: spec is no JSON object");
    }
    EXPECT_NO_THROW(pool.wait());
  }
}

TEST(GradingPool, TestsTheGraderOnItsThreads) {
  const UnevenTask task;
  GraderProbe probe = make_probe(task, 1);
  GradingPool pool(config_of(1), 9);
  pool.test(task, probe);
  EXPECT_NO_THROW(pool.wait());
  probe.right = probe.wrong;
  pool.test(task, probe);
  EXPECT_THROW(pool.wait(), Error);
}

}  // namespace
}  // namespace reckon
