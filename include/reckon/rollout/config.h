#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reckon/base/describe.h"

namespace reckon {

/// How completions are sampled while training. No top-p, top-k or penalties: the learner's distribution is
/// the sampler's.
struct SamplingConfig {
  std::int64_t max_new_tokens = 96;
  double temperature = 1.0;
  std::int64_t max_batch = 256;
  std::int64_t kv_budget_mib = 0;
  std::vector<std::string> stop;
};

template <class Visitor>
void describe(Visitor& visit, SamplingConfig& c) {
  visit("max_new_tokens", c.max_new_tokens, between(1, 1048576), "a completion is cut off here, in tokens");
  visit("temperature", c.temperature, between(0.01, 10),
        "logits are divided by it, in the sampler and in the learner");
  visit("max_batch", c.max_batch, between(1, 65536),
        "sequences decoded together on a rank; does not change results");
  visit("kv_budget_mib", c.kv_budget_mib, at_least(0),
        "memory of a rank for keys and values, in MiB; fewer sequences are decoded together where it does "
        "not suffice, "
        "with the same results. 0: as much as max_batch needs");
  visit("stop", c.stop, any(), "a completion ends where its text has one of these strings, which is kept");
}

}  // namespace reckon
