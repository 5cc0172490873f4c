#pragma once

#include <array>
#include <cstdint>

#include "reckon/base/describe.h"

namespace reckon {

/// What follows where an update's gradient norm is a spike.
enum class SpikeAction {
  skip,      ///< the update is not applied
  rollback,  ///< nor are those since the last checkpoint: weights and optimizer go back, the data does not
  stop,      ///< the run ends
};
constexpr auto enum_names(SpikeAction) {
  return std::array{EnumName{SpikeAction::skip, "skip"}, EnumName{SpikeAction::rollback, "rollback"},
                    EnumName{SpikeAction::stop, "stop"}};
}

/// What follows an alarm.
enum class AlarmAction {
  warn,  ///< it is said once when it begins and once when it ends
  stop,  ///< the run ends
};
constexpr auto enum_names(AlarmAction) {
  return std::array{EnumName{AlarmAction::warn, "warn"}, EnumName{AlarmAction::stop, "stop"}};
}

/// The [guard] table: what a training stage watches. Alarms are on, for they change nothing; what changes
/// weights is off, for max_grad_norm bounds already what one update can do.
struct GuardConfig {
  double spike_factor = 0;
  std::int64_t spike_window = 64;
  SpikeAction spike_action = SpikeAction::skip;
  double collapse_fraction = 0.5;
  std::int64_t collapse_steps = 20;
  AlarmAction on_collapse = AlarmAction::warn;
  double zero_variance_share = 0.95;
  std::int64_t zero_variance_steps = 20;
  AlarmAction on_zero_variance = AlarmAction::warn;
  double logprob_diff = 1.0;
  AlarmAction on_memory = AlarmAction::stop;
};

template <class Visitor>
void describe(Visitor& visit, GuardConfig& c) {
  visit("spike_factor", c.spike_factor, at_least(0),
        "a gradient norm of more than this times the usual is a spike; 10 is prudent. 0: off");
  visit("spike_window", c.spike_window, between(4, 10000),
        "the usual norm is the median of the last so many updates with a gradient; before there are so many "
        "none is a spike");
  visit("spike_action", c.spike_action, any(),
        "what follows a spike: its update is skipped (ten in a row end the run), weights and optimizer go "
        "back to the last checkpoint while the data goes on (the third time in a row ends the run), or the "
        "run ends");
  visit("collapse_fraction", c.collapse_fraction, Bounds{.low = 0, .high = 1, .high_open = true},
        "alarm where the mean accuracy of the last collapse_steps steps is below this share of the best such "
        "mean of the stage; 0: off");
  visit("collapse_steps", c.collapse_steps, between(1, 10000), "steps of that mean");
  visit("on_collapse", c.on_collapse, any(), "what follows this alarm");
  visit("zero_variance_share", c.zero_variance_share, Bounds{.low = 0, .high = 1, .low_open = true},
        "alarm where at least this share of the groups has equal rewards, in each of the last "
        "zero_variance_steps steps: hardly anything is learned");
  visit("zero_variance_steps", c.zero_variance_steps, at_least(0), "steps until that alarm; 0: off");
  visit("on_zero_variance", c.on_zero_variance, any(), "what follows this alarm");
  visit("logprob_diff", c.logprob_diff, at_least(0),
        "alarm where a step's largest difference between the sampler's and the learner's log-probability of "
        "a token is above this, in nats, where exactness = \"report\" lets it pass; 0: off");
  visit("on_memory", c.on_memory, any(),
        "what follows where more memory will be needed than the machine has, by a forecast before the first "
        "stage with completions of max_new_tokens");
}

}  // namespace reckon
