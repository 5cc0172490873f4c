#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reckon {

/// What rollout workers and the first learner say to each other. Workers write on Channel::groups, the
/// learner on Channel::control; weights have a channel of their own (weight_sync.h).
struct RolloutMessage {
  enum class Kind : char {
    // From a worker.
    want = 'w',     ///< it has room for numbers[0] more groups
    group = 'g',    ///< bytes: group_wire() of group numbers[1]; numbers[0]: step of its oldest weights
    dropped = 'd',  ///< it has given group numbers[0] up
    // From the learner.
    issue = 'i',  ///< groups numbers[1..], to be sampled by the weights of step numbers[0]
    stop = 's',   ///< as end, and the run ends with exit code numbers[1]
    // From either.
    alive = 'a',  ///< there is nothing else to say
    end = 'e',  ///< the stage has ended with the weights of step numbers[0]; a worker answers by it, and has
                ///< read all that came for the stage
    signal = 'x',  ///< from a worker: it has had signal numbers[0]
  };
  Kind kind = Kind::alive;
  std::vector<std::int64_t> numbers = {};
  std::string bytes = {};
};

[[nodiscard]] std::string rollout_message(const RolloutMessage& message);
/// \throws Error(internal) where the bytes are no such message
[[nodiscard]] RolloutMessage parse_rollout_message(std::string_view bytes);

}  // namespace reckon
