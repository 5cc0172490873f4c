#include "reckon/learn/advantage.h"

#include <cmath>
#include <stdexcept>
#include <string>

namespace reckon {

GroupAdvantages group_advantages(std::span<const float> rewards, std::span<const Verdict> verdicts,
                                 AdvantageScale scale, double epsilon) {
  if (rewards.size() != verdicts.size()) {
    throw std::invalid_argument("group_advantages: " + std::to_string(rewards.size()) + " rewards and " +
                                std::to_string(verdicts.size()) + " verdicts (need as many)");
  }
  GroupAdvantages result;
  result.advantage.assign(rewards.size(), 0.0f);
  result.zero_variance = true;
  double sum = 0;
  double count = 0;
  float first = 0;
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    if (!std::isfinite(rewards[i])) {
      throw std::invalid_argument("group_advantages: reward " + std::to_string(i) + " is " +
                                  std::to_string(rewards[i]) + " (need a finite number)");
    }
    if (verdicts[i] == Verdict::grader_failed) continue;
    if (count == 0) first = rewards[i];
    if (rewards[i] != first) result.zero_variance = false;
    sum += rewards[i];
    count += 1;
  }
  if (result.zero_variance) return result;
  const double mean = sum / count;
  double squares = 0;
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    if (verdicts[i] != Verdict::grader_failed) squares += (rewards[i] - mean) * (rewards[i] - mean);
  }
  const double divisor = scale == AdvantageScale::group_std ? std::sqrt(squares / count) + epsilon : 1.0;
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    if (verdicts[i] != Verdict::grader_failed)
      result.advantage[i] = static_cast<float>((rewards[i] - mean) / divisor);
  }
  return result;
}

}  // namespace reckon
