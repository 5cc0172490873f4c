#include "reckon/reward/grading_pool.h"

#include "reckon/base/failpoint.h"

namespace reckon {

GradingPool::GradingPool(const RewardConfig& config, std::uint64_t seed)
    : config_(config), seed_(seed), pool_(static_cast<std::size_t>(config.grading_threads)) {}

void GradingPool::grade(const Task& task, const Group& group, Completion& completion) {
  pool_.submit([this, &task, &group, &completion] {
    failpoint("reward.grade");
    grade_completion_of(group, task, config_, seed_, completion);
  });
}

void GradingPool::test(const Task& task, const GraderProbe& probe) {
  pool_.submit([&task, &probe] { check_probe(task, probe); });
}

}  // namespace reckon
