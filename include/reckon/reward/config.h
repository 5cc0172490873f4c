#pragma once

#include "reckon/base/describe.h"

namespace reckon {

/// Weights of the reward terms; the reward is their weighted sum (DeepSeek-R1, section 2.2.2).
struct RewardConfig {
  double accuracy = 1.0;
  double format = 0.1;
  double random = 0.0;
};

template <class Visitor>
void describe(Visitor& visit, RewardConfig& c) {
  visit("accuracy", c.accuracy, at_least(0), "weight of: 1 where the answer is right, else 0");
  visit("format", c.format, at_least(0),
        "weight of: 1 where the completion is well formed, else 0; pays an answer with "
        "and without <think> alike");
  visit("random", c.random, at_least(0),
        "weight of: a coin toss, 0 or 1, that knows nothing of the completion (the "
        "control experiment)");
}

}  // namespace reckon
