#pragma once

#include <string>
#include <vector>

#include "reckon/plan/machine.h"
#include "reckon/plan/model_shape.h"
#include "reckon/plan/stage_load.h"

namespace reckon::plan {

/// A part of a step.
struct TimePart {
  std::string name;
  double seconds = 0;
};

/// Bytes that a rank sends for a step.
struct TrafficPart {
  std::string name;
  double bytes = 0;
  double seconds = 0;
};

/// A step of a stage, by who does what. Parts of a role follow each other.
struct StepTime {
  std::vector<TimePart> worker;   ///< prefill, decode
  std::vector<TimePart> learner;  ///< forward, backward, reduce, optimizer, hash
  std::vector<TrafficPart> traffic;
  double tokens = 0;          ///< generated, or trained on where nothing is generated
  double pass_s = 0;          ///< of a decoding pass, whatever its rows
  double row_s = 0;           ///< and of each row
  double update_token_s = 0;  ///< of a completion token, on one learner
  double update_fixed_s = 0;  ///< of an update, whatever its tokens
  double sync_s = 0;          ///< weights from the learners to the last worker, where roles are split
  [[nodiscard]] double worker_s() const;
  [[nodiscard]] double learner_s() const;
};

/// How numbers are stored: bytes of a weight that products read, of one that is sent, of a key.
struct Bytes {
  double weight = 4;
  double sent = 4;
  double kv = 4;
};

/// Roofline of a step: products at `products` or reading the weights, whichever takes longer; everything else
/// by the bytes it passes. The prompts of a group are computed once, by the sampler for the group and by the
/// learner for each leaf.
[[nodiscard]] StepTime step_time(const ModelShape& model, const StageLoad& load, const Placement& placement,
                                 const Rates& rates, const Network& network, const Bytes& bytes);

}  // namespace reckon::plan
