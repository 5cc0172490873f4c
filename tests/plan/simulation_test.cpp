// Schedules against what can be worked out by hand, and what holds for all of them.
#include "reckon/plan/simulation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace reckon::plan {
namespace {

/// Ten workers, a group of four each step and worker, completions of 100 tokens; a pass takes 0.1 s however
/// many rows there are: sampling takes S = 10 s. Learning takes 400 tokens * 10 / learners * update_token_s.
JobModel job_of(double update_s) {
  JobModel job;
  job.workers = 10;
  job.learners = 10;
  job.prompts_per_step = 10;
  job.group_size = 4;
  job.lengths = Lengths::constant(100);
  job.rows_per_worker = 4;
  job.pass_s = 0.1;
  job.update_token_s = update_s * 10 / 4000;
  return job;
}

SimulationResult run(const JobModel& job, const Schedule& schedule) {
  return simulate(job, schedule, 12, 4, 7);
}

Schedule in_order(std::int64_t staleness) {
  return {.split = true, .max_staleness = staleness};
}
Schedule as_completed(std::int64_t staleness, double over_issue = 0, bool partial = false) {
  return {.split = true,
          .as_completed = true,
          .max_staleness = staleness,
          .over_issue = over_issue,
          .partial_rollouts = partial};
}

TEST(Simulation, TurnsTakeTheSumOfBothTimes) {
  for (const bool split : {false, true}) {
    const SimulationResult result = run(job_of(6), {.split = split});
    EXPECT_NEAR(result.step_s, 16, 1e-9);
    EXPECT_NEAR(result.tokens_per_s, 4000 / 16.0, 1e-9);
    EXPECT_NEAR(result.worker_idle, split ? 6 / 16.0 : 0, 1e-9);
    EXPECT_NEAR(result.learner_idle, split ? 10 / 16.0 : 0, 1e-9);
    EXPECT_EQ(result.max_staleness, 0);
  }
}

// Workers with room for one group at a time: a step takes the longer of both.
TEST(Simulation, OneStepAheadTakesTheLongerOfBothTimes) {
  const SimulationResult sampling = run(job_of(6), in_order(1));
  EXPECT_NEAR(sampling.step_s, 10, 1e-9);
  EXPECT_NEAR(sampling.worker_idle, 0, 1e-9);
  EXPECT_NEAR(sampling.learner_idle, 0.4, 1e-9);
  EXPECT_EQ(sampling.max_staleness, 1);
  const SimulationResult learning = run(job_of(25), in_order(1));
  EXPECT_NEAR(learning.step_s, 25, 1e-9);
  EXPECT_NEAR(learning.worker_idle, 0.6, 1e-9);
  EXPECT_NEAR(learning.learner_idle, 0, 1e-9);
}

// With room for many groups whose passes take no longer, step t starts when update t-1-k is done: k + 1 steps
// in S + U seconds.
TEST(Simulation, WithRoomForMoreTheStalenessIsTheBound) {
  for (const int staleness : {1, 2, 3}) {
    JobModel job = job_of(1);
    job.rows_per_worker = 64;
    const SimulationResult result = simulate(job, in_order(staleness), 4 + 12, 4, 7);  // whole periods
    EXPECT_NEAR(result.step_s, 11.0 / (staleness + 1), 1e-9) << staleness;
    EXPECT_EQ(result.max_staleness, staleness);
  }
}

TEST(Simulation, RowsThatShareAWorkerSlowEachOther) {
  JobModel job = job_of(1);
  job.pass_s = 0.02;
  job.row_s = 0.02;  // four rows: 0.1 s
  EXPECT_NEAR(run(job, {}).step_s, 11, 1e-9);
  job.workers = job.learners = 5;  // eight rows, and half the learners
  job.rows_per_worker = 8;
  EXPECT_NEAR(run(job, {}).step_s, 100 * (0.02 + 8 * 0.02) + 2, 1e-9);
  job.rows_per_worker = 4;  // one group after the other
  EXPECT_NEAR(run(job, {}).step_s, 2 * 10 + 2, 1e-9);
  job.group_s = 0.5;
  EXPECT_NEAR(run(job, {}).step_s, 2 * 10.5 + 2, 1e-9);
}

// A group ends with its longest row; rows of 10, 20, 30, 40 tokens, seen once each by each group or not: the
// step waits for the longest of all.
TEST(Simulation, WaitsForTheLongestCompletion) {
  JobModel job = job_of(1);
  job.lengths = Lengths::seen({1, 100});
  const SimulationResult sync = run(job, {.split = true});
  EXPECT_NEAR(sync.step_s - sync.tokens_per_s * sync.step_s * job.update_token_s / 10, 10, 1e-9)
      << "with 40 draws one of the hundred tokens is always there";
  EXPECT_GT(sync.worker_idle, 0);
}

TEST(Simulation, WeightsComeAfterTheirWayThroughTheChain) {
  JobModel job = job_of(6);
  job.sync_fill_s = 2;
  job.sync_hop_s = 0.5;
  // The last of ten workers has them 2 + 9 * 0.5 s later.
  EXPECT_NEAR(run(job, {.split = true}).step_s, 16 + 6.5, 1e-9);
  job.workers_per_hop = 5;
  EXPECT_NEAR(run(job, {.split = true}).step_s, 16 + 2.5, 1e-9);
  EXPECT_NEAR(run(job, {}).step_s, 16, 1e-9) << "ranks that learn have them already";
  EXPECT_NEAR(run(job, in_order(1)).step_s, 10, 1e-9) << "they come while the workers go on";
}

JobModel long_tails() {
  JobModel job = job_of(5);
  job.workers = 32;
  job.prompts_per_step = 64;
  job.rows_per_worker = 16;
  job.pass_s = 0.05;
  job.row_s = 0.005;
  job.lengths = Lengths::lognormal(100, 300, 800);
  return job;
}

TEST(Simulation, NoGroupIsLostAndNoneTrainedTwice) {  // the simulation throws where one is trained twice
  for (const Schedule& schedule :
       {in_order(0), in_order(3), as_completed(0), as_completed(1), as_completed(0, 0.5),
        as_completed(2, 0.25), as_completed(0, 0.5, true), as_completed(4, 0, true)}) {
    const SimulationResult result = run(long_tails(), schedule);
    EXPECT_EQ(result.trained, 12 * 64);
    EXPECT_EQ(result.issued, result.trained + result.dropped + result.in_flight);
    EXPECT_GE(result.in_flight, 0);
    const double ahead = 64 * (static_cast<double>(schedule.max_staleness) + 1 + schedule.over_issue);
    EXPECT_LE(static_cast<double>(result.in_flight), ahead + 64);
    if (!schedule.partial_rollouts) {
      EXPECT_LE(result.max_staleness, schedule.max_staleness);
    }
    EXPECT_GE(result.worker_idle, 0);
    EXPECT_LT(result.worker_idle, 1);
    EXPECT_GE(result.learner_idle, -1e-12);
  }
}

TEST(Simulation, RunningAheadNeverTakesLonger) {
  double before = INFINITY;
  for (const int staleness : {0, 1, 2, 4}) {
    const double step = run(long_tails(), in_order(staleness)).step_s;
    EXPECT_LE(step, before * 1.02) << staleness;  // 8 steps: the ends of the window fall differently
    before = step;
  }
  EXPECT_LT(run(long_tails(), in_order(1)).step_s, run(long_tails(), in_order(0)).step_s * 0.9);
}

TEST(Simulation, OverIssueCutsTheTailAndDropsGroups) {
  const SimulationResult all = run(long_tails(), as_completed(0));
  const SimulationResult first = run(long_tails(), as_completed(0, 0.5));
  EXPECT_EQ(all.dropped, 0);
  EXPECT_LT(first.step_s, all.step_s);
  EXPECT_EQ(first.dropped, 12 * 32) << "of 96 a step";
  EXPECT_EQ(first.in_flight, 96) << "the next step's";
  JobModel far = long_tails();
  far.sync_fill_s = 3;
  EXPECT_EQ(run(far, as_completed(0, 0.5)).dropped, 12 * 32) << "none is begun by weights that are too old";
  const SimulationResult partial = run(long_tails(), as_completed(0, 0.5, true));
  EXPECT_EQ(partial.dropped, 0);
  EXPECT_GT(partial.max_staleness, 0) << "of their oldest token";
}

// A group for each worker: whoever takes it, it takes as long.
TEST(Simulation, ASynchronousStepIsTheSameInEitherAdmission) {
  JobModel job = long_tails();
  job.prompts_per_step = job.workers;
  EXPECT_NEAR(run(job, in_order(0)).step_s, run(job, as_completed(0)).step_s, 1e-9);
}

// Two workers, each with a group of its own a step: that the other is done sooner does not help.
TEST(Simulation, InOrderEachWorkerHasItsShare) {
  JobModel job = job_of(1);
  job.workers = 2;
  job.prompts_per_step = 4;
  job.rows_per_worker = 8;  // both groups of its share at once
  job.pass_s = 0.02;
  job.row_s = 0.02;
  const SimulationResult result = run(job, in_order(0));
  EXPECT_NEAR(result.step_s, 100 * (0.02 + 8 * 0.02) + 0.4, 1e-9);  // 4 of the 10 groups that take a second
  EXPECT_NEAR(result.worker_idle, 0.4 / 18.4, 1e-9);
}

TEST(Simulation, IsAFunctionOfItsArguments) {
  const SimulationResult a = run(long_tails(), as_completed(2)), b = run(long_tails(), as_completed(2));
  EXPECT_EQ(a.step_s, b.step_s);
  EXPECT_EQ(a.mean_staleness, b.mean_staleness);
  EXPECT_NE(a.step_s, simulate(long_tails(), as_completed(2), 12, 4, 8).step_s);
}

TEST(Simulation, RefusesWhatCannotBe) {
  JobModel job = job_of(1);
  EXPECT_THROW((void)run(job, {.max_staleness = 1}), std::invalid_argument);
  EXPECT_THROW((void)simulate(job, {}, 4, 4, 7), std::invalid_argument);
  job.rows_per_worker = 3;
  EXPECT_THROW((void)run(job, {}), std::invalid_argument);
  job = job_of(1);
  job.workers = 0;
  EXPECT_THROW((void)run(job, {}), std::invalid_argument);
}

TEST(Lengths, HaveTheMeanAndTheTailAskedFor) {
  const Lengths lengths = Lengths::lognormal(100, 300, 1e6);
  EXPECT_NEAR(lengths.mean(), 100, 0.5);
  EXPECT_NEAR(lengths.quantile(0.95), 300, 1);
  // sigma = 1.645 - sqrt(1.645^2 - 2 ln 3) = 0.9315; the median is 100 exp(-sigma^2 / 2) = 64.8
  EXPECT_NEAR(lengths.quantile(0.5), 64.8, 0.2);
  EXPECT_NEAR(lengths.mean_square(), 1e4 * std::exp(0.9315 * 0.9315), 500);
  EXPECT_LE(Lengths::lognormal(100, 300, 250).quantile(0.999), 250);
  EXPECT_EQ(Lengths::lognormal(100, 100, 1000).quantile(0.99), 100);
  EXPECT_EQ(Lengths::seen({5, 1, 3}).quantile(0.5), 3);
  EXPECT_THROW((void)Lengths::lognormal(100, 390, 1000), std::invalid_argument);
  EXPECT_THROW((void)Lengths::lognormal(100, 90, 1000), std::invalid_argument);
  EXPECT_THROW((void)Lengths::seen({}), std::invalid_argument);
}

TEST(Lengths, DrawsDependOnTheirNamesAlone) {
  const Lengths lengths = Lengths::lognormal(100, 300, 1000);
  EXPECT_EQ(lengths.draw(7, 5, 3), lengths.draw(7, 5, 3));
  EXPECT_NE(lengths.draw(7, 5, 3), lengths.draw(7, 5, 4));
  EXPECT_NE(lengths.draw(7, 5, 3), lengths.draw(8, 5, 3));
  double sum = 0;
  for (std::uint64_t group = 0; group < 4000; ++group) sum += lengths.draw(7, group, 0);
  EXPECT_NEAR(sum / 4000, lengths.mean(), 5 * std::sqrt(lengths.mean_square() / 4000));
}

// Four places for eight completions of ten tokens: two rounds; with one place, eight.
TEST(DecodingPasses, FillPlacesAgain) {
  EXPECT_EQ(decoding_passes(Lengths::constant(10), 8, 4), 20);
  EXPECT_EQ(decoding_passes(Lengths::constant(10), 8, 1), 80);
  EXPECT_EQ(decoding_passes(Lengths::constant(10), 3, 4), 10);
}

}  // namespace
}  // namespace reckon::plan
