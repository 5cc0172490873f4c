#pragma once

#include <array>
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

/// In which order the learner takes the groups of a stage.
enum class Admission {
  in_order,      ///< as they were drawn: a run is a function of its recipe alone
  as_completed,  ///< as they are complete: the order is in the rollout log
};
constexpr auto enum_names(Admission) {
  return std::array{EnumName{Admission::in_order, "in_order"},
                    EnumName{Admission::as_completed, "as_completed"}};
}

/// When a rollout worker goes over to newer weights that have come.
enum class WeightSwitch {
  after_group,  ///< groups that are being sampled are completed by the weights that they were begun with
  in_flight,    ///< at the next token
};
constexpr auto enum_names(WeightSwitch) {
  return std::array{EnumName{WeightSwitch::after_group, "after_group"},
                    EnumName{WeightSwitch::in_flight, "in_flight"}};
}

/// How sampling runs ahead of learning. Staleness is counted in steps: of the weights that an update starts
/// from, less the oldest that sampled a token of a group.
struct ScheduleConfig {
  std::int64_t max_staleness = 0;
  Admission admission = Admission::in_order;
  WeightSwitch weight_switch = WeightSwitch::after_group;
  double over_issue = 0;
  bool kv_release = true;
};

template <class Visitor>
void describe(Visitor& visit, ScheduleConfig& c) {
  visit("max_staleness", c.max_staleness, between(0, 64),
        "steps that the weights which sample may be behind those that are updated; 0: sampling and learning "
        "take turns");
  visit("admission", c.admission, any(),
        "in_order: step t trains on the prompts drawn for it, sampled by the weights of max_staleness steps "
        "before, whatever the ranks; as_completed: on the groups that are complete first, whose order the "
        "rollout log has");
  visit("weight_switch", c.weight_switch, any(),
        "with as_completed: after_group completes a group by the weights that it was begun with; in_flight "
        "goes "
        "over to newer ones at the next token, so that what a step leaves unfinished goes on in the next one "
        "(partial rollouts)");
  visit(
      "over_issue", c.over_issue, between(0, 4),
      "with as_completed: share of prompts sampled beyond those that a step needs, so that it need not wait "
      "for the last ones; favours short completions");
  visit(
      "kv_release", c.kv_release, any(),
      "where ranks sample and learn in turns: the memory of keys and values is given back before they learn; "
      "does not change results");
}

}  // namespace reckon
