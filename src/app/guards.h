#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "reckon/learn/guard_config.h"
#include "reckon/learn/learner.h"
#include "reckon/record/summary.h"

namespace reckon {

/// What becomes of a step, in order of weight.
enum class GuardAction {
  none,
  skip,      ///< at least one update was not applied; there is nothing left to do
  rollback,  ///< weights and optimizer are to return to the last checkpoint; the stream of problems goes on
  stop,      ///< the run is to end
};

struct GuardVerdict {
  GuardAction action = GuardAction::none;
  std::string message;  ///< why, and what to do; empty for none
};

/// What is watched of a grpo step beside the gradient norms of its updates.
struct StepSignal {
  double accuracy = 0;             ///< mean of the reward term of that name, 0 .. 1
  double zero_variance_share = 0;  ///< groups with equal rewards / groups
  double max_logprob_diff = 0;     ///< UpdateStats::max_logprob_diff
};

/// The guards of one training stage. All they see is the same on every rank, and so is what they say. At each
/// step: the learner asks gate() at each update; then end_step() gives the verdict, take_news() what is to be
/// printed, and alarms() what stands in the metrics.
class RunGuards {
 public:
  explicit RunGuards(const GuardConfig& config) : config_(config) {}

  /// For Learner::update(); must not outlive the guards.
  [[nodiscard]] UpdateGate gate();
  /// \param step    that ends, from 1
  /// \param signal  of a grpo step
  GuardVerdict end_step(std::int64_t step, const std::optional<StepSignal>& signal = std::nullopt);
  /// A line for each alarm that has begun or ended since the last call.
  [[nodiscard]] std::vector<std::string> take_news();
  /// Names of the alarms that are on, such as "spike, collapse"; empty where none is.
  [[nodiscard]] std::string alarms() const;
  /// For the summary: what has happened in the stage, without what has not: skipped_updates, rollbacks, and
  /// alarms_NAME, how often an alarm has begun.
  [[nodiscard]] ExtraNumbers counts() const;

  /// Between two steps, as JSON; a rollback keeps the state as it is.
  [[nodiscard]] std::string state() const;
  /// \param state  of state(); the windows are cut to those of this recipe. \throws Error(bad_data)
  void restore(const std::string& state);

 private:
  enum AlarmName { kSpike, kCollapse, kZeroVariance, kLogprobDiff, kNumAlarms };
  struct Alarm {
    std::int64_t since = 0;  ///< the step in which it began; 0: it is off
    std::int64_t count = 0;  ///< how often it has begun
  };

  UpdateDecision decide(double grad_norm);
  [[nodiscard]] std::optional<double> usual_norm() const;
  void refuse_update(double grad_norm, double usual);
  void watch(AlarmName name, std::int64_t step, bool is_on, const std::string& message);
  bool watch_collapse(std::int64_t step, double accuracy, std::string& message);
  bool watch_zero_variance(std::int64_t step, const StepSignal& signal, std::string& message);

  GuardConfig config_;
  std::deque<double> norms_;       ///< of the last applied updates that had a gradient
  std::deque<double> accuracies_;  ///< of the last steps
  double best_accuracy_ = 0;       ///< highest mean over collapse_steps steps
  std::int64_t zero_variance_streak_ = 0;
  double zero_variance_least_ = 1;  ///< lowest share in the streak
  std::int64_t skips_in_a_row_ = 0, rollbacks_in_a_row_ = 0;
  std::int64_t skipped_updates_ = 0, rollbacks_ = 0;
  std::array<Alarm, kNumAlarms> alarms_{};
  // Of the step that goes on.
  GuardVerdict pending_;
  bool has_applied_ = false;
  std::vector<std::string> news_;
};

}  // namespace reckon
