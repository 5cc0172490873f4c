#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/train/run.h"
#include "reckon/lineage/chain.h"
#include "report.h"

namespace reckon {

/// How far numbers may differ on another machine than the run's, or on GPUs: there the bits are those of a
/// number of ranks and a GPU model, and only their size can be checked.
struct VerifyBounds {
  double logprob = 0.0625;  ///< |difference| of a token's log-prob: 2^-8 of bfloat16 times logits of 16
  double relative = 0.05;   ///< of the gradient norm, and of the loss or 1 nat where it is less
};

struct StepOptions {
  bool sample = false;  ///< completions are sampled again, not read from the log
  VerifyBounds bounds;
};

/// Does steps of a run again, from its checkpoints and its rollout log, and compares what comes with what the
/// run wrote down. Reads the run's folder and writes nothing.
class StepVerifier {
 public:
  /// \param run  after set_up() from the run's folder, alone in its world
  StepVerifier(TrainRun& run, StepOptions options, VerifyReport& report);

  /// The steps of a stage that the chain has.
  [[nodiscard]] std::int64_t steps_of(const std::string& stage) const;
  /// Step `number`, from the nearest checkpoint before it or from the stage's beginning. The report names the
  /// first thing that differs.
  void verify_step(const StageConfig& stage, std::int64_t number);
  /// Every step of a stage from its beginning; checkpoints that it passes must hold what comes.
  void verify_stage(const StageConfig& stage);

 private:
  void walk(const StageConfig& stage, std::int64_t number, bool from_start);
  void evaluate_again(const StageConfig& stage);
  [[nodiscard]] std::unique_ptr<Decoder> weights_before(const StageConfig& stage) const;

  TrainRun& run_;
  StepOptions options_;
  VerifyReport& report_;
  std::vector<ChainLine> chain_;
};

}  // namespace reckon
