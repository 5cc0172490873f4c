#pragma once

#include <span>
#include <vector>

#include "reckon/base/verdict.h"
#include "reckon/learn/config.h"

namespace reckon {

/// Advantages of the completions of one group.
struct GroupAdvantages {
  std::vector<float> advantage;  ///< [G]
  bool zero_variance = false;    ///< all rewards that count are equal: nothing to learn from
};

/// A_i = (r_i - mean(r)) / scale(r). DeepSeekMath, arXiv:2402.03300, section 4.1.2.
/// Completions whose grader failed leave the statistics and get advantage 0.
/// \param rewards   [G], finite
/// \param verdicts  [G]
/// \param epsilon   added to the population standard deviation, in reward units; positive
/// \return  advantages that sum to 0 up to rounding; equal rewards give exact zeros.
/// \throws std::invalid_argument where the sizes differ or a reward is not finite.
/// \note Sums run in float64: in float32 the mean of twelve rewards of 1.1 is not 1.1, and the division would
/// turn that
///       rounding error into a visible advantage.
[[nodiscard]] GroupAdvantages group_advantages(std::span<const float> rewards,
                                               std::span<const Verdict> verdicts, AdvantageScale scale,
                                               double epsilon = 1e-6);

}  // namespace reckon
