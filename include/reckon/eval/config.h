#pragma once

#include <cstdint>

#include "reckon/base/describe.h"

namespace reckon {

/// Held-out evaluation: pass@1 as the mean over samples, and greedy accuracy beside it.
struct EvalConfig {
  std::int64_t eval_prompts = 512;
  std::int64_t eval_samples = 4;
};

template <class Visitor>
void describe(Visitor& visit, EvalConfig& c) {
  visit("eval_prompts", c.eval_prompts, between(1, 1e6),
        "held-out problems of each task; the same in every run");
  visit("eval_samples", c.eval_samples, between(1, 65536),
        "completions sampled for each, besides the greedy one");
}

}  // namespace reckon
