#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "checkpoints.h"
#include "grpo_stage.h"

namespace reckon {

/// Where the learners of a grpo stage have their groups from. All calls are collective over them.
class RolloutSource {
 public:
  virtual ~RolloutSource() = default;
  /// The weights after this step are there, for those who sample; step 0 or the one the stage goes on from is
  /// the first.
  virtual void weights_made(std::int64_t step, const std::string& sha256) = 0;
  /// A step with its completions and advantages: those of all ranks in step.groups, this rank's share in
  /// step.batch.
  [[nodiscard]] virtual GrpoStep next(std::int64_t number) = 0;
  /// Where prompts and groups stand after `done` steps.
  [[nodiscard]] virtual StreamCursor cursor(std::int64_t done) = 0;
  [[nodiscard]] virtual LedgerState ledger() const { return {}; }
  /// A signal that another rank than these has had; 0: none.
  [[nodiscard]] virtual int stop_asked() const { return 0; }
  /// The stage has ended; with an exit code, because the run ends.
  virtual void end(std::optional<int> exit_code) { static_cast<void>(exit_code); }
};

/// The ledger of a checkpoint in the middle of a stage.
[[nodiscard]] LedgerState ledger_of(const TrainState& state);
/// Moves the stage's prompts to where a checkpoint has them.
void restore_prompts(const StageConfig& stage, const TrainState& state, GrpoStage& grpo);

/// Samples on the ranks that learn.
[[nodiscard]] std::unique_ptr<RolloutSource> make_own_rollouts(GrpoStage& grpo);

}  // namespace reckon
