#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reckon/rollout/config.h"

namespace reckon {

/// What a ledger must know of its stage. Groups are numbered from 0 in the order in which their prompts are
/// drawn; steps from 1; weights by the steps that made them, the stage's first ones by 0.
struct LedgerConfig {
  std::int64_t steps = 1;
  std::int64_t prompts_per_step = 1;
  ScheduleConfig schedule;
};

/// Where a ledger goes on.
struct LedgerState {
  std::int64_t steps_done = 0;
  std::int64_t next_group = 0;        ///< groups from here on were never handed out
  std::vector<std::int64_t> pending;  ///< those below it that no step has taken and that were not dropped
  std::int64_t dropped = 0;           ///< so far
  bool operator==(const LedgerState&) const = default;
};

/// Groups that a worker is to sample.
struct LedgerIssue {
  std::vector<std::int64_t> groups;
  std::int64_t weights = 0;  ///< with in_order: the step whose weights sample them
};

/// Who samples which prompt, and which step trains on it: every prompt that is drawn is handed out once, and
/// is then trained on by one step, or dropped and counted, or pending. Knows no clock: what it says depends
/// on the order of the calls alone; with in_order not even on that.
///
/// in_order: step t takes the groups (t - 1) P .. t P - 1, sampled by the weights of step max(0, t - 1 - k),
/// where k is max_staleness; they are handed out once those weights are there.
///
/// as_completed: step t takes the first P complete groups whose oldest token is of the weights of step t - 1
/// - k or later; what is older is dropped. Groups are handed out while those that were handed out and not
/// dropped are fewer than (s + 1 + k + over_issue) P after s steps (the capacity rule of AReaL,
/// arXiv:2505.24298, section 5.1), and none is once all steps have enough.
class RolloutLedger {
 public:
  explicit RolloutLedger(const LedgerConfig& config, const LedgerState& from = {});

  /// The weights of this step are on their way to the workers.
  void weights_published(std::int64_t step);
  /// At most so many groups for a worker; nothing where none may be sampled now.
  [[nodiscard]] std::optional<LedgerIssue> issue(int worker, std::int64_t at_most);
  /// A group is complete. \param oldest_weights  step whose weights sampled its oldest token
  /// \throws std::invalid_argument where it is not this worker's
  void complete(int worker, std::int64_t group, std::int64_t oldest_weights);
  /// A worker has given a group up: its tokens are over max_staleness.
  void drop(int worker, std::int64_t group);

  /// The groups of a step, in order of admission, once there are enough; steps are asked for in order, each
  /// until it is given. Drops what is too old for it.
  [[nodiscard]] std::optional<std::vector<std::int64_t>> take(std::int64_t step);
  /// Numbers of dropped groups that have not been asked for.
  [[nodiscard]] std::vector<std::int64_t> take_dropped();

  /// What a worker was given and has not completed, ascending.
  [[nodiscard]] std::vector<std::int64_t> outstanding(int worker) const;
  [[nodiscard]] std::int64_t num_outstanding() const { return static_cast<std::int64_t>(owner_.size()); }
  /// Complete groups that wait for a step.
  [[nodiscard]] std::int64_t num_waiting() const { return static_cast<std::int64_t>(waiting_.size()); }
  [[nodiscard]] std::int64_t num_dropped() const { return state_.dropped; }
  /// After the steps that have been taken; what is outstanding or waits is pending.
  [[nodiscard]] LedgerState state() const;
  /// Every group below next_group is trained on, dropped or pending, and no two of these.
  /// \throws std::logic_error otherwise
  void check_books() const;

 private:
  struct Waiting {
    std::int64_t group = 0, oldest_weights = 0;
  };
  [[nodiscard]] bool may_issue(std::int64_t group) const;
  [[nodiscard]] std::int64_t step_of(std::int64_t group) const;
  [[nodiscard]] std::int64_t weights_of(std::int64_t step) const;
  [[nodiscard]] std::int64_t next() const;
  void take_from_queue();
  void release(int worker, std::int64_t group);

  LedgerConfig config_;
  LedgerState state_;
  std::int64_t published_ = -1;
  std::int64_t taken_ = 0;             // groups that steps have taken
  std::deque<std::int64_t> again_;     // to be handed out once more, after a resumption
  std::map<std::int64_t, int> owner_;  // of outstanding groups
  std::deque<Waiting> waiting_;        // in the order of their completion
  std::vector<std::int64_t> dropped_;  // since take_dropped()
};

}  // namespace reckon
