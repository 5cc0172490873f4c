#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "app/guards.h"
#include "length_guess.h"
#include "prompt_book.h"
#include "reckon/learn/grpo.h"
#include "reckon/reward/grading_pool.h"
#include "run.h"
#include "sampling_policy.h"

namespace reckon {

/// What a step took, in seconds.
struct StepTimes {
  using Clock = std::chrono::steady_clock;
  Clock::time_point start = Clock::now();
  double sample = 0, grade = 0, update = 0, total = 0;  // grade: what was left of it after sampling
  double waited = 0;                                    // for other ranks, in collectives
  [[nodiscard]] double since_start() const {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }
};

/// A step of a grpo stage.
struct GrpoStep {
  std::int64_t number = 0;                 ///< from 1
  std::vector<Group> groups;               ///< of all ranks; with completions after exchange()
  std::vector<const RecipeTask*> sources;  ///< the tasks of the groups
  std::int64_t too_long = 0;               ///< prompts passed over
  std::int64_t dropped = 0;                ///< groups that were given up since the step before
  RolloutBatch batch;                      ///< this rank's groups
  Range mine;                              ///< which of the groups they are
  StepTimes times;
};

/// Algorithm 1 of DeepSeekMath (arXiv:2402.03300), line by line: the parts of a step, for training and for
/// doing a step again. All but draw(), grade() and assign() are collective.
///
/// Where max_staleness is k > 0 and groups are admitted in order, step t is sampled by the weights of step
/// max(0, t - 1 - k), which the stage remembers: tell it those of each step by weights_made(), step 0 first.
class GrpoStage {
 public:
  /// \param engine  with the weights that the stage starts from, which are its reference model's too
  GrpoStage(TrainRun& run, const StageConfig& stage, Engine& engine);

  /// The step's prompts, the same on every rank; this rank's share of them in step.batch.
  [[nodiscard]] GrpoStep draw(std::int64_t number);
  /// The same for groups of these numbers, in the order in which they were admitted.
  [[nodiscard]] GrpoStep draw(std::int64_t number, std::span<const std::int64_t> groups);
  /// Samples the completions of this rank's groups under the current policy, and grades each by rule as soon
  /// as it has ended.
  void sample(GrpoStep& step);
  /// Samples what is there already once more, by the weights that sampled it, and grades it.
  void sample_again(GrpoStep& step);
  /// Grades completions that are there already.
  void grade(GrpoStep& step);
  /// Rewards of this rank's groups become advantages.
  void assign(GrpoStep& step) const;
  /// Every rank gets all completions.
  void exchange(GrpoStep& step);
  /// Updates the policy on them, where the gate lets it.
  GrpoStats update(const GrpoStep& step, const UpdateGate& gate);

  [[nodiscard]] Learner& learner() { return *learner_; }
  [[nodiscard]] PromptBook& prompts() { return prompts_; }
  /// The first group number of the step after `done` where groups are admitted in order.
  [[nodiscard]] std::int64_t first_group_after(std::int64_t done) const {
    return done * stage_.grpo.prompts_per_step;
  }

  /// The engine has the weights after this step, whose SHA-256 this is.
  void weights_made(std::int64_t step, const std::string& sha256);
  /// Those that steps from here on may be sampled by; none where max_staleness is 0.
  [[nodiscard]] const PolicyVersions& past() const { return past_; }
  void restore_past(PolicyVersions past) { past_ = std::move(past); }
  /// Remembers them for a step that is done again, whatever the order of admission.
  void remember_past() { remembers_ = stage_.schedule.max_staleness > 0; }
  /// The log-probs of all completions' tokens, one after the other, under the weights that sampled the step.
  /// Collective.
  [[nodiscard]] std::vector<float> sampler_logprobs(const GrpoStep& step);

 private:
  [[nodiscard]] bool lags() const {
    return stage_.schedule.max_staleness > 0 && stage_.schedule.admission == Admission::in_order;
  }
  [[nodiscard]] Range my_share(const std::vector<Group>& groups) const;
  SamplingPolicy& policy();
  SamplingPolicy& policy_of(std::int64_t number);

  TrainRun& run_;
  const StageConfig& stage_;
  std::unique_ptr<Learner> learner_;
  GrpoUpdater updater_;
  Engine& engine_;
  std::unique_ptr<Sampler> sampler_;
  PolicyVersions past_;
  bool remembers_ = false;
  std::unique_ptr<SamplingPolicy> policy_;    // where sampling lags behind
  std::unique_ptr<Learner> policy_logprobs_;  // of it
  PromptBook prompts_;
  LengthGuess lengths_;
  std::vector<const Task*> probed_tasks_;
  std::vector<GraderProbe>
      probes_;        // known answers, one a task, with which its grader is tested at each step
  GradingPool pool_;  // after what its jobs refer to
};

/// What the guards look at in a step.
[[nodiscard]] StepSignal signal_of(const GrpoStep& step, const GrpoStats& stats);

/// Writes a step's row of the metrics and its line on the terminal. Collective.
/// \param alarms  that are on, by their names
void report(TrainRun& run, const StageConfig& stage, const GrpoStep& step, const GrpoStats& stats,
            const std::string& alarms);

}  // namespace reckon
