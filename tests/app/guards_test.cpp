// What the guards of a stage say: spikes of the gradient norm, collapse, groups without variance, differences
// of sampler and learner; and that a state that was saved and read goes on as it would have.
#include "app/guards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "reckon/base/error.h"

namespace reckon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

UpdateDecision ask(RunGuards& guards, double grad_norm) {
  UpdateStats stats;
  stats.grad_norm = grad_norm;
  return guards.gate()(stats);
}

/// One update and the end of its step.
GuardVerdict step_with(RunGuards& guards, std::int64_t step, double grad_norm) {
  (void)ask(guards, grad_norm);
  return guards.end_step(step);
}

/// The usual norm is 2.5, the median of 1, 2, 3, 4.
RunGuards with_usual_norm(SpikeAction action) {
  RunGuards guards({.spike_factor = 10, .spike_window = 4, .spike_action = action});
  for (const double norm : {4.0, 1.0, 3.0, 2.0}) EXPECT_EQ(ask(guards, norm), UpdateDecision::apply);
  EXPECT_EQ(guards.end_step(1).action, GuardAction::none);
  return guards;
}

TEST(SpikeGuard, SkipsWhatIsAboveTheFactorTimesTheMedian) {
  RunGuards guards = with_usual_norm(SpikeAction::skip);
  EXPECT_EQ(ask(guards, 25.0), UpdateDecision::apply);  // now 1, 2, 3, 25: still 2.5
  EXPECT_EQ(guards.end_step(2).action, GuardAction::none);
  EXPECT_EQ(ask(guards, 25.1), UpdateDecision::skip);
  const GuardVerdict verdict = guards.end_step(3);
  EXPECT_EQ(verdict.action, GuardAction::skip);
  EXPECT_EQ(
      verdict.message,
      "gradient norm 25.1 is 10 times the usual 2.5, the median of 4 updates (guard.spike_factor is 10). "
      "The update is skipped.");
  EXPECT_EQ(guards.alarms(), "spike");
  EXPECT_THAT(guards.take_news(), ElementsAre("alarm spike: " + verdict.message));
  EXPECT_EQ(step_with(guards, 4, 2.0).action, GuardAction::none);  // the skipped norm is not in the window
  EXPECT_EQ(guards.alarms(), "");
  EXPECT_THAT(guards.take_news(), ElementsAre("alarm spike is over; it began in step 3"));
  EXPECT_THAT(guards.counts(), ElementsAre(Pair("skipped_updates", 1), Pair("alarms_spike", 1)));
}

TEST(SpikeGuard, IsOffByDefaultAndSilentUntilTheWindowIsFull) {
  RunGuards off({});
  for (int i = 0; i < 100; ++i) ASSERT_EQ(ask(off, 1.0), UpdateDecision::apply);
  EXPECT_EQ(ask(off, 1e9), UpdateDecision::apply);
  RunGuards young({.spike_factor = 2, .spike_window = 4});
  for (const double norm : {1.0, 1.0, 1.0, 100.0}) EXPECT_EQ(ask(young, norm), UpdateDecision::apply);
  EXPECT_EQ(ask(young, 2.5), UpdateDecision::skip);
}

// With them in the window the median would be 0, and any gradient a spike.
TEST(SpikeGuard, UpdatesWithoutAGradientDoNotCount) {
  RunGuards guards = with_usual_norm(SpikeAction::skip);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ask(guards, 0.0), UpdateDecision::apply);
  EXPECT_EQ(ask(guards, 20.0), UpdateDecision::apply);
}

TEST(SpikeGuard, TenSkippedUpdatesInARowEndTheRun) {
  RunGuards guards = with_usual_norm(SpikeAction::skip);
  for (int step = 2; step < 11; ++step)
    ASSERT_EQ(step_with(guards, step, 1000).action, GuardAction::skip) << "step " << step;
  EXPECT_EQ(guards.take_news().size(), 1u) << "an alarm is said once";
  const GuardVerdict verdict = step_with(guards, 11, 1000);
  EXPECT_EQ(verdict.action, GuardAction::stop);
  EXPECT_THAT(verdict.message, HasSubstr("10 updates in a row were skipped: "));
  EXPECT_THAT(verdict.message, HasSubstr("A lower learning_rate or a higher guard.spike_factor may help."));

  RunGuards other = with_usual_norm(SpikeAction::skip);
  for (int step = 2; step < 11; ++step) (void)step_with(other, step, 1000);
  (void)step_with(other, 11, 1);
  EXPECT_EQ(step_with(other, 12, 1000).action, GuardAction::skip) << "one was applied between";
}

TEST(SpikeGuard, StopsWhereTheRecipeSaysSo) {
  RunGuards guards = with_usual_norm(SpikeAction::stop);
  EXPECT_EQ(ask(guards, 100), UpdateDecision::skip) << "nothing is changed before the run ends";
  const GuardVerdict verdict = guards.end_step(2);
  EXPECT_EQ(verdict.action, GuardAction::stop);
  EXPECT_THAT(verdict.message, HasSubstr("gradient norm 100 is 40 times the usual 2.5"));
}

TEST(SpikeGuard, ARollbackVoidsTheRestOfTheStep) {
  RunGuards guards = with_usual_norm(SpikeAction::rollback);
  EXPECT_EQ(ask(guards, 2.0), UpdateDecision::apply);
  EXPECT_EQ(ask(guards, 100), UpdateDecision::skip);
  EXPECT_EQ(ask(guards, 2.0), UpdateDecision::skip);
  const GuardVerdict verdict = guards.end_step(2);
  EXPECT_EQ(verdict.action, GuardAction::rollback);
  EXPECT_THAT(verdict.message, HasSubstr("Back to the last checkpoint; the data goes on."));
  EXPECT_EQ(ask(guards, 2.0), UpdateDecision::apply) << "the next step is a new one";
}

TEST(SpikeGuard, TheThirdRollbackInARowIsAStop) {
  RunGuards guards = with_usual_norm(SpikeAction::rollback);
  EXPECT_EQ(step_with(guards, 2, 100).action, GuardAction::rollback);
  EXPECT_EQ(step_with(guards, 3, 100).action, GuardAction::rollback);
  EXPECT_EQ(step_with(guards, 4, 2).action, GuardAction::none);
  EXPECT_EQ(step_with(guards, 5, 100).action, GuardAction::rollback);
  EXPECT_EQ(step_with(guards, 6, 100).action, GuardAction::rollback);
  const GuardVerdict verdict = step_with(guards, 7, 100);
  EXPECT_EQ(verdict.action, GuardAction::stop);
  EXPECT_THAT(verdict.message, HasSubstr("was at the last checkpoint 2 times without an update between"));
  EXPECT_THAT(guards.counts(), ElementsAre(Pair("rollbacks", 4), Pair("alarms_spike", 2)));
}

GuardVerdict step_with(RunGuards& guards, std::int64_t step, const StepSignal& signal) {
  return guards.end_step(step, signal);
}

TEST(CollapseGuard, ComparesTheMeanOfTheLastStepsWithTheBestOne) {
  RunGuards guards({.collapse_fraction = 0.5, .collapse_steps = 2});
  // Means of two: 0.5, 0.7, 0.35, 0.3, 0.5
  for (const double accuracy : {0.4, 0.6, 0.8}) step_with(guards, 1, {.accuracy = accuracy});
  step_with(guards, 4, {.accuracy = -0.1});
  EXPECT_EQ(guards.alarms(), "") << "0.35 is not below half of 0.7";
  EXPECT_EQ(step_with(guards, 5, {.accuracy = 0.7}).action, GuardAction::none);
  EXPECT_EQ(guards.alarms(), "collapse") << "a mean of 0.3";
  EXPECT_THAT(guards.take_news(),
              ElementsAre("alarm collapse: accuracy of the last 2 steps is 0.3, that of the best 0.7 "
                          "(guard.collapse_fraction is 0.5). An earlier checkpoint is better; a lower "
                          "learning_rate or a kl_coef above 0 may help."));
  step_with(guards, 6, {.accuracy = 0.3});
  EXPECT_EQ(guards.alarms(), "");
  EXPECT_THAT(guards.take_news(), ElementsAre("alarm collapse is over; it began in step 5"));
  EXPECT_THAT(guards.counts(), ElementsAre(Pair("alarms_collapse", 1)));
}

TEST(CollapseGuard, StopsWhereTheRecipeSaysSoAndNotOnChance) {
  RunGuards guards({.collapse_steps = 1, .on_collapse = AlarmAction::stop});
  step_with(guards, 1, {.accuracy = 0.04});  // too little to lose
  EXPECT_EQ(step_with(guards, 2, {.accuracy = 0}).action, GuardAction::none);
  step_with(guards, 3, {.accuracy = 0.06});
  const GuardVerdict verdict = step_with(guards, 4, {.accuracy = 0});
  EXPECT_EQ(verdict.action, GuardAction::stop);
  EXPECT_THAT(verdict.message, HasSubstr("accuracy of the last 1 steps is 0, that of the best 0.06"));
  RunGuards off({.collapse_fraction = 0, .collapse_steps = 1});
  step_with(off, 1, {.accuracy = 1});
  step_with(off, 2, {.accuracy = 0});
  EXPECT_EQ(off.alarms(), "");
}

TEST(ZeroVarianceGuard, BeginsAfterSoManyStepsInARow) {
  RunGuards guards({.zero_variance_share = 0.9, .zero_variance_steps = 3});
  const auto share = [](double value, double accuracy = 0) {
    return StepSignal{.accuracy = accuracy, .zero_variance_share = value};
  };
  step_with(guards, 1, share(1));
  step_with(guards, 2, share(1));
  step_with(guards, 3, share(0.89));
  step_with(guards, 4, share(1));
  step_with(guards, 5, share(0.9));
  EXPECT_EQ(guards.alarms(), "");
  step_with(guards, 6, share(1));
  EXPECT_EQ(guards.alarms(), "zero_variance");
  EXPECT_THAT(
      guards.take_news(),
      ElementsAre("alarm zero_variance: 90 % of the groups of the last 3 steps, or more, have equal "
                  "rewards: hardly anything is learned (accuracy 0). Are the problems too hard (levels "
                  "of the tasks), or does the answer's form never match (no_answer)?"));
  step_with(guards, 7, share(1));
  EXPECT_THAT(guards.take_news(), IsEmpty());
  step_with(guards, 8, share(0));
  EXPECT_THAT(guards.take_news(), ElementsAre("alarm zero_variance is over; it began in step 6"));
}

TEST(ZeroVarianceGuard, SaysWhatMayBeWrongAndStops) {
  RunGuards guards({.zero_variance_steps = 1, .on_zero_variance = AlarmAction::stop});
  const GuardVerdict easy = step_with(guards, 1, {.accuracy = 1, .zero_variance_share = 1});
  EXPECT_EQ(easy.action, GuardAction::stop);
  EXPECT_EQ(easy.message,
            "every group of the last 1 steps has equal rewards: nothing is learned (accuracy 1). Are the "
            "problems too easy (levels of the tasks)?");
  RunGuards off({.zero_variance_steps = 0});
  step_with(off, 1, {.zero_variance_share = 1});
  EXPECT_EQ(off.alarms(), "");
}

TEST(LogprobGuard, IsOnWhileTheDifferenceIsAboveTheLimitOrNoNumber) {
  RunGuards guards({.logprob_diff = 0.5});
  step_with(guards, 1, {.max_logprob_diff = 0.5});
  EXPECT_EQ(guards.alarms(), "");
  step_with(guards, 2, {.max_logprob_diff = 0.75});
  EXPECT_EQ(guards.alarms(), "logprob_diff");
  EXPECT_THAT(
      guards.take_news(),
      ElementsAre("alarm logprob_diff: sampler and learner differ by 0.75 in the log-probability of a "
                  "token (guard.logprob_diff is 0.5). Have they the same weights and numerics?"));
  step_with(guards, 3, {.max_logprob_diff = std::numeric_limits<double>::quiet_NaN()});
  EXPECT_EQ(guards.alarms(), "logprob_diff");
  step_with(guards, 4, {.max_logprob_diff = 0});
  EXPECT_EQ(guards.alarms(), "");
  RunGuards off({.logprob_diff = 0});
  step_with(off, 1, {.max_logprob_diff = 100});
  EXPECT_EQ(off.alarms(), "");
}

// Every field of the state matters to what follows: two runs are cut at each step, and go on as the whole
// one.
TEST(GuardState, WhatIsReadBackGoesOnAsItWouldHave) {
  const GuardConfig config{.spike_factor = 3,
                           .spike_window = 4,
                           .spike_action = SpikeAction::rollback,
                           .collapse_steps = 3,
                           .zero_variance_steps = 2};
  const auto play = [](RunGuards& guards, std::int64_t step) {
    const double norms[] = {0.1, 1.0 / 3, 0.2, 0.3, 9, 9, 0.1, 9, 0.7, 9, 9, 9};
    const double accuracies[] = {0.9, 0.7, 0.8, 0.1, 0.1, 0, 0.2, 0.9, 0.9, 0, 0, 0};
    const double shares[] = {0, 1, 1, 1, 0.97, 0, 1, 1, 0.96, 1, 0, 1};
    const auto at = static_cast<std::size_t>(step - 1);
    (void)ask(guards, norms[at]);
    const GuardVerdict verdict = guards.end_step(step, StepSignal{.accuracy = accuracies[at],
                                                                  .zero_variance_share = shares[at],
                                                                  .max_logprob_diff = step == 4 ? 2.0 : 0.0});
    std::string said = std::to_string(static_cast<int>(verdict.action)) + verdict.message + guards.alarms();
    for (const std::string& line : guards.take_news()) said += "\n" + line;
    for (const auto& [name, count] : guards.counts()) said += "\n" + name + std::to_string(count);
    return said;
  };
  constexpr std::int64_t kSteps = 12;
  for (std::int64_t cut = 0; cut <= kSteps; ++cut) {
    RunGuards whole(config);
    for (std::int64_t step = 1; step <= cut; ++step) (void)play(whole, step);
    RunGuards resumed(config);
    resumed.restore(whole.state());
    EXPECT_EQ(resumed.state(), whole.state());
    for (std::int64_t step = cut + 1; step <= kSteps; ++step)
      ASSERT_EQ(play(resumed, step), play(whole, step)) << "cut after step " << cut << ", step " << step;
    EXPECT_EQ(resumed.state(), whole.state());
  }
}

TEST(GuardState, AShorterWindowTakesTheLastOfALongerOne) {
  RunGuards before({.spike_factor = 10, .spike_window = 5});
  for (const double norm : {1000.0, 1.0, 1.0, 1.0, 1.0}) (void)ask(before, norm);
  RunGuards after({.spike_factor = 10, .spike_window = 4});
  after.restore(before.state());
  EXPECT_EQ(ask(after, 11), UpdateDecision::skip);
}

TEST(GuardState, RefusesWhatIsNone) {
  RunGuards guards = with_usual_norm(SpikeAction::skip);
  const std::string before = guards.state();
  const auto error_of = [&](const std::string& state) -> std::string {
    try {
      guards.restore(state);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::bad_data);
      return error.what();
    }
    return "accepted";
  };
  EXPECT_THAT(error_of("{}"), HasSubstr("guards: the state is not one of guards: "));
  EXPECT_THAT(error_of(R"({"norms": 3})"), HasSubstr("guards: the state is not one of guards: "));
  EXPECT_THAT(error_of("no JSON"), HasSubstr("guards"));
  EXPECT_EQ(guards.state(), before);
}

}  // namespace
}  // namespace reckon
