#include "reckon/reward/reward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "reckon/base/error.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Group group_of(std::vector<std::string> texts, FinishReason finish = FinishReason::eos) {
  Group group;
  group.prompt.id = 77;
  group.prompt.spec = R"({"expression":"3+5"})";
  for (std::uint32_t i = 0; i < texts.size(); ++i) {
    Completion completion;
    completion.sample_index = i;
    completion.text = texts[i];
    completion.finish_reason = finish;
    group.completions.push_back(completion);
  }
  return group;
}

const Task& arithmetic() {
  static const auto task = make_verifier(TaskKind::arithmetic);
  return *task;
}

TEST(Reward, AddsWeightedTerms) {
  Group group = group_of({"<think>3+5=8</think><answer>8</answer>",  // right, well formed
                          "<answer>8</answer>",                      // the same without thinking
                          "<answer>7</answer>",                      // wrong, well formed
                          "so <answer>8</answer>",                   // right, not well formed
                          "8"});                                     // no answer
  grade_group(arithmetic(), RewardConfig{.accuracy = 1.0, .format = 0.1, .random = 0.0}, 1, group);
  const Verdict verdicts[] = {Verdict::right, Verdict::right, Verdict::wrong, Verdict::right,
                              Verdict::no_answer};
  const Grade grades[] = {Grade::equal, Grade::equal, Grade::different, Grade::equal, Grade::no_answer};
  const float rewards[] = {1.1f, 1.1f, 0.1f, 1.0f, 0.0f};
  const float accuracy[] = {1, 1, 0, 1, 0};
  const float format[] = {1, 1, 1, 0, 0};
  for (std::size_t i = 0; i < 5; ++i) {
    const Completion& completion = group.completions[i];
    EXPECT_EQ(completion.verdict, verdicts[i]) << i;
    EXPECT_EQ(completion.grade, grades[i]) << i;
    EXPECT_EQ(completion.reward, rewards[i]) << i;
    ASSERT_EQ(completion.reward_terms.size(), 3u);
    EXPECT_EQ(completion.reward_terms[0], accuracy[i]) << i;
    EXPECT_EQ(completion.reward_terms[1], format[i]) << i;
  }
  EXPECT_THAT(reward_term_names(), ElementsAre("accuracy", "format", "random"));
}

// The template of R1's students ends with "<think>\n": an answer inside thinking that never closes is none.
TEST(Reward, ReadsACompletionBehindTheThinkingThatThePromptOpened) {
  Group group = group_of({"3+5=8</think><answer>8</answer>", "<answer>8</answer>",
                          "</think><answer>8</answer>", "<think>3+5=8</think><answer>8</answer>"});
  group.prompt.text = "3+5=<think>\n";
  grade_group(arithmetic(), RewardConfig{}, 1, group);
  const Verdict verdicts[] = {Verdict::right, Verdict::no_answer, Verdict::right, Verdict::right};
  const float formed[] = {1, 0, 1, 0};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(group.completions[i].verdict, verdicts[i]) << i;
    EXPECT_EQ(group.completions[i].reward_terms[1], formed[i]) << i;
  }
}

TEST(Reward, SumsInFloat64) {  // 2^24 + 1 + 1: float32 drops each 1
  Group group = group_of(std::vector<std::string>(64, "<answer>8</answer>"));
  grade_group(arithmetic(), RewardConfig{.accuracy = 16777216.0, .format = 1.0, .random = 1.0}, 1, group);
  int heads = 0;
  for (const Completion& completion : group.completions) {
    if (completion.reward_terms[2] == 0.0f) continue;
    ++heads;
    EXPECT_EQ(completion.reward, 16777218.0f);
  }
  EXPECT_GT(heads, 0);
}

TEST(Reward, PaysNothingForACutOffCompletion) {
  Group group = group_of({"<think>3+5=8</think><answer>8</answer>"}, FinishReason::length);
  grade_group(arithmetic(), RewardConfig{}, 1, group);
  EXPECT_EQ(group.completions[0].verdict, Verdict::no_answer);
  EXPECT_THAT(group.completions[0].reward_terms, ElementsAre(0, 0, ::testing::_));
  EXPECT_EQ(group.completions[0].reward, 0.0f);
}

TEST(Reward, TheCoinKnowsNothingOfTheCompletion) {
  const RewardConfig weights{.accuracy = 0, .format = 0, .random = 1};
  const auto coins = [&](const std::string& text, std::uint64_t seed, std::uint64_t prompt,
                         std::uint64_t visit) {
    Group group = group_of(std::vector<std::string>(256, text));
    group.prompt.id = prompt;
    group.visit = visit;
    grade_group(arithmetic(), weights, seed, group);
    std::vector<float> rewards;
    for (const Completion& completion : group.completions) rewards.push_back(completion.reward);
    return rewards;
  };
  const auto first = coins("<answer>8</answer>", 1, 77, 0);
  EXPECT_EQ(coins("nonsense", 1, 77, 0), first);
  EXPECT_NE(coins("nonsense", 2, 77, 0), first);
  EXPECT_NE(coins("nonsense", 1, 78, 0), first);
  EXPECT_NE(coins("nonsense", 1, 77, 1), first);
  const auto heads = std::count(first.begin(), first.end(), 1.0f);
  EXPECT_EQ(heads + std::count(first.begin(), first.end(), 0.0f), 256);
  EXPECT_NEAR(static_cast<double>(heads), 128, 40);  // five standard deviations of 8
}

TEST(Reward, NeverPaysWhereTheGraderFailed) {
  const auto task = make_verifier(TaskKind::jsonl);
  Group group = group_of(std::vector<std::string>(64, "<answer>8</answer>"));
  group.prompt.spec = R"({"gold":"eight"})";
  grade_group(*task, RewardConfig{.accuracy = 1, .format = 1, .random = 1}, 1, group);
  for (const Completion& completion : group.completions) {
    EXPECT_EQ(completion.verdict, Verdict::grader_failed);
    EXPECT_EQ(completion.reward, 0.0f);
    EXPECT_THAT(completion.reward_terms, ElementsAre(0, 0, 0));
  }
}

TEST(CheckGrader, PassesOurTasks) {
  for (const TaskKind kind : {TaskKind::arithmetic, TaskKind::knights}) {
    const auto task = make_verifier(kind);
    EXPECT_NO_THROW(check_grader(*task, task->levels()));
  }
}

/// Arithmetic with a grader that says the same to everything.
class BrokenTask final : public Task {
 public:
  explicit BrokenTask(Grade grade) : grade_(grade) {}
  const std::string& name() const override { return arithmetic().name(); }
  TaskKind kind() const override { return TaskKind::arithmetic; }
  std::vector<std::int64_t> levels() const override { return arithmetic().levels(); }
  std::string alphabet() const override { return arithmetic().alphabet(); }
  Problem problem(std::int64_t level, Split split, std::uint64_t seed, std::uint64_t index) const override {
    return arithmetic().problem(level, split, seed, index);
  }
  Grade grade(std::string_view, std::string_view) const override { return grade_; }
  std::string wrong_answer(const Problem& problem) const override {
    return arithmetic().wrong_answer(problem);
  }
  std::optional<std::uint64_t> distinct_problems(std::int64_t level) const override {
    return arithmetic().distinct_problems(level);
  }

 private:
  Grade grade_;
};

TEST(CheckGrader, StopsABrokenGrader) {
  const std::vector<std::int64_t> levels = {1};
  for (const Grade always : {Grade::equal, Grade::different}) {
    try {
      check_grader(BrokenTask(always), levels);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::internal);
      EXPECT_THAT(error.what(), HasSubstr("task \"arithmetic\" level 1: the grader says " +
                                          std::string(enum_name(always)) + " to "));
    }
  }
}

}  // namespace
}  // namespace reckon
