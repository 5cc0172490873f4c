#pragma once

#include <cstdint>

#include "reckon/base/worker_pool.h"
#include "reckon/reward/reward.h"
#include "reckon/reward/self_test.h"

namespace reckon {

/// Grades completions on config.grading_threads threads while others are being sampled. A completion's grade
/// depends on it alone, so the results are those of grade_group(), whatever the timing.
class GradingPool {
 public:
  /// \param config  of with_lengths(). \param seed  run.seed.
  GradingPool(const RewardConfig& config, std::uint64_t seed);

  /// Has a completion of the group graded. Task, group and completion stay where they are until wait() has
  /// returned or the pool is gone, and the completion is left alone until then. \throws only from wait().
  void grade(const Task& task, const Group& group, Completion& completion);

  /// Has the grader tested with a probe that lives as long: check_probe() on a grading thread, where it
  /// matters.
  void test(const Task& task, const GraderProbe& probe);

  /// Blocks until everything is graded. \throws what grading threw: Error(bad_data), Error(internal).
  void wait() { pool_.wait(); }

  /// Drops what has not begun; blocks until the rest is done. For when the completions go away.
  void discard() noexcept { pool_.discard(); }

 private:
  RewardConfig config_;
  std::uint64_t seed_;
  WorkerPool pool_;
};

}  // namespace reckon
