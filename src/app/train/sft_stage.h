#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "problem_stream.h"
#include "reckon/learn/learner.h"
#include "run.h"

namespace reckon {

struct SftExample {
  std::vector<std::uint32_t> prompt;
  std::vector<std::uint32_t> completion;
};

/// A step of an sft stage: the same examples on every rank.
struct SftStep {
  std::int64_t number = 0;  ///< from 1
  double think_share = 0;   ///< of the examples that think before they answer, as the recipe says
  std::int64_t too_long = 0;
  std::vector<SftExample> examples;
};

/// Cross-entropy on reference solutions: the parts of a step, for training and for doing a step again.
class SftStage {
 public:
  SftStage(TrainRun& run, const StageConfig& stage, Engine& engine);

  [[nodiscard]] SftStep draw(std::int64_t number);
  /// Collective.
  UpdateStats update(const SftStep& step, const UpdateGate& gate);

  [[nodiscard]] Learner& learner() { return *learner_; }
  [[nodiscard]] ProblemStream& stream() { return stream_; }

 private:
  TrainRun& run_;
  const StageConfig& stage_;
  std::unique_ptr<Learner> learner_;
  ProblemStream stream_;
};

/// SHA-256 of the token ids of a step's examples: prompt and completion in turn, each its length as u64 and
/// its ids as u32.
[[nodiscard]] std::string examples_sha256(const SftStep& step);

}  // namespace reckon
