#include "reckon/reward/reward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "reckon/reward/terms.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;

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
    ASSERT_EQ(completion.reward_terms.size(), 2u);
    EXPECT_EQ(completion.reward_terms[0], accuracy[i]) << i;
    EXPECT_EQ(completion.reward_terms[1], format[i]) << i;
  }
}

TEST(Reward, LogsAccuracyAndFormatAndWhatHasAWeight) {
  EXPECT_THAT(reward_term_names({.accuracy = 0, .format = 0}), ElementsAre("accuracy", "format"));
  EXPECT_THAT(reward_term_names({.random = 1, .repetition = 0.5}),
              ElementsAre("accuracy", "format", "random", "repetition"));
  const RewardConfig all{.accuracy = 1,
                         .format = 1,
                         .format_strict = 1,
                         .format_think = 1,
                         .format_soft = 1,
                         .random = 1,
                         .language_consistency = 1,
                         .length_cosine = 1,
                         .length_exact = 1,
                         .length_max = 1,
                         .overlong = 1,
                         .repetition = 1};
  EXPECT_THAT(reward_term_names(all),
              ElementsAre("accuracy", "format", "format_strict", "format_think", "format_soft", "random",
                          "language_consistency", "length_cosine", "length_exact", "length_max", "overlong",
                          "repetition"));
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
  EXPECT_THAT(group.completions[0].reward_terms, ElementsAre(0, 0));
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
  group.prompt.spec = R"({"gold":"1/0"})";
  RewardConfig config{
      .accuracy = 1, .format = 1, .random = 1, .length_cosine = 1, .overlong = 1, .clip_low = 0.5};
  config = with_lengths(config, 1);
  grade_group(*task, config, 1, group);
  for (const Completion& completion : group.completions) {
    EXPECT_EQ(completion.verdict, Verdict::grader_failed);
    EXPECT_EQ(completion.reward, 0.0f);
    EXPECT_THAT(completion.reward_terms, ElementsAre(0, 0, 0, 0, 0));
  }
}

/// One completion of so many tokens, the last of them the end, graded.
Completion graded(const std::string& text, std::size_t tokens, const RewardConfig& config,
                  FinishReason finish = FinishReason::eos,
                  const std::string& spec = R"({"expression":"3+5"})") {
  Group group = group_of({text}, finish);
  group.prompt.spec = spec;
  group.completions[0].token_ids.assign(tokens, 1);
  grade_group(arithmetic(), with_lengths(config, 100), 1, group);
  return group.completions[0];
}

// Right, 40 of 100 tokens, target 50:
//   strict 1, think 1, soft 1; language 10/10; cosine at 0.4: 0.5 + 0.25 (1 + cos 72 deg) = 0.82725424859...;
//   exact -0.01 * 10 = -0.1; max 0.01 * 10 + 0.5 = 0.6; overlong (cache 80): over 20 by 20, -20/80 = -0.25;
//   repetition: "<think> so so so so </think> <answer> 8 </answer>" has 9 words: of 8 pairs 6 differ, -0.25.
TEST(Reward, SumsEveryTerm) {
  RewardConfig config{.accuracy = 1,
                      .format = 2,
                      .format_strict = 4,
                      .format_think = 8,
                      .format_soft = 16,
                      .language_consistency = 32,
                      .length_cosine = 1,
                      .length_exact = 10,
                      .length_max = 20,
                      .overlong = 4,
                      .repetition = 8};
  config.target_tokens = 50;
  config.length_alpha = 0.01;
  config.overlong_cache = 80;
  config.repetition_ngram = 2;
  const std::string text = "<think>\nso so so so\n</think>\n<answer>\n8\n</answer>";
  const double cosine = 0.5 + 0.25 * (1.0 + (std::sqrt(5.0) - 1.0) / 4.0);  // cos 72 deg
  const Completion right = graded(text, 40, config);
  EXPECT_THAT(right.reward_terms, ElementsAre(1, 1, 1, 1, 1, 1, FloatEq(static_cast<float>(cosine)),
                                              FloatEq(-0.1f), FloatEq(0.6f), -0.25f, -0.25f));
  EXPECT_FLOAT_EQ(right.reward, static_cast<float>(63 + cosine - 1 + 12 - 1 - 2));

  // The same with a wrong answer: no accuracy, no length_max; cosine -0.5 - 0.25 (1 + cos 72 deg).
  const Completion wrong = graded("<think>\nso so so so\n</think>\n<answer>\n7\n</answer>", 40, config);
  EXPECT_THAT(wrong.reward_terms, ElementsAre(0, 1, 1, 1, 1, 1, FloatEq(static_cast<float>(-cosine)),
                                              FloatEq(-0.1f), 0, -0.25f, -0.25f));
  EXPECT_FLOAT_EQ(wrong.reward, static_cast<float>(62 - cosine - 1 - 1 - 2));

  // Cut off at 100 tokens: no format of any kind, cosine_cut_off, overlong -1.
  const Completion cut = graded(text, 100, config, FinishReason::length);
  EXPECT_EQ(cut.grade, Grade::no_answer);
  EXPECT_THAT(cut.reward_terms, ElementsAre(0, 0, 0, 0, 0, 1, -1, FloatEq(-0.5f), 0, -1, -0.25f));
}

TEST(Reward, IsClipped) {
  const RewardConfig config{
      .accuracy = 1, .format = 0.5, .length_exact = 1, .clip_low = -0.25, .clip_high = 1.25};
  EXPECT_EQ(graded("<answer>8</answer>", 0, config).reward, 1.25f);  // 1.5
  RewardConfig far = config;
  far.target_tokens = 100'000;  // -30
  EXPECT_EQ(graded("<answer>8</answer>", 0, far).reward, -0.25f);
  EXPECT_EQ(graded("7", 0, config).reward, 0.0f);
}

TEST(Reward, ReadsTheFormOfTheTask) {
  const auto task = make_verifier(TaskKind::arithmetic, {.form = AnswerForm::boxed});
  Group group =
      group_of({R"(<think>3+5=8</think>so \boxed{8})", R"(\boxed{7} or \boxed{8})", "<answer>8</answer>"});
  grade_group(*task, RewardConfig{}, 1, group);
  const Grade grades[] = {Grade::equal, Grade::equal, Grade::no_answer};
  const float formed[] = {1, 0, 0};
  const bool several[] = {false, true, false};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(group.completions[i].grade, grades[i]) << i;
    EXPECT_EQ(group.completions[i].reward_terms[1], formed[i]) << i;
    EXPECT_EQ(group.completions[i].several_answers, several[i]) << i;
  }
}

}  // namespace
}  // namespace reckon
