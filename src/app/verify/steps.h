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

class StageReplay;

/// The events of a chain that were made under one recipe.
struct RecipeEpoch {
  std::string recipe_sha256;       ///< settings_sha256() of it
  std::string fingerprint;         ///< of the machine's numerics
  std::vector<ChainEvent> events;  ///< without "run" and "change"
};
/// The recipes of a run in their order: more than one where it was resumed with changes.
[[nodiscard]] std::vector<RecipeEpoch> recipe_epochs(const std::vector<ChainLine>& chain);

/// Does steps of a run again, from its checkpoints and its rollout log, and compares what comes with what the
/// run wrote down. Reads the run's folder and writes nothing.
class StepVerifier {
 public:
  /// \param run          after set_up() with the epoch's recipe, alone in its world
  StepVerifier(TrainRun& run, const RecipeEpoch& epoch, StepOptions options, VerifyReport& report);

  /// Step `number`, from the nearest checkpoint before it or from the stage's beginning. The report names the
  /// first thing that differs.
  void verify_step(const StageConfig& stage, std::int64_t number);
  /// Every step of a stage that the epoch has; checkpoints that it passes must hold what comes.
  void verify_stage(const StageConfig& stage);

 private:
  void walk(const StageConfig& stage, std::int64_t last, bool is_whole);
  void compare_checkpoint(StageReplay& replay, const Checkpoint& checkpoint);
  void evaluate_again(const StageConfig& stage);
  [[nodiscard]] std::unique_ptr<Decoder> weights_before(const StageConfig& stage) const;

  TrainRun& run_;
  StepOptions options_;
  VerifyReport& report_;
  const RecipeEpoch& epoch_;
};

}  // namespace reckon
