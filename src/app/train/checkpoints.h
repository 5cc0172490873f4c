#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "reckon/checkpoint/writer.h"
#include "reckon/rollout/ledger.h"
#include "run.h"
#include "sampling_policy.h"

namespace reckon {

/// The last checkpoint of a stage that is done. \throws Error(bad_data) where there is none
[[nodiscard]] Checkpoint final_checkpoint(const TrainRun& run, const std::string& stage);

/// Gives engine and learner the weights and moments of a checkpoint in the middle of a stage.
void restore_stage(const Checkpoint& checkpoint, Engine& engine, Learner& learner);

/// The weights of earlier steps that a checkpoint holds.
[[nodiscard]] PolicyVersions load_past(const Checkpoint& checkpoint, std::size_t parameters);

/// What only a training stage knows of its state.
struct StageProgress {
  StreamCursor cursor;
  std::string weights_sha256;
  std::string guards;
  const PolicyVersions* past = nullptr;  ///< that later steps are sampled by
  LedgerState ledger = {};               ///< where groups are not admitted in order
};

/// When the checkpoints of a run are made, what is in them, and going on from one. All calls are collective.
class RunCheckpoints {
 public:
  explicit RunCheckpoints(TrainRun& run);

  /// Between two steps of a training stage: makes a checkpoint where one is due, goes on with the one that is
  /// being written, and ends the run where any rank was asked to stop, after a checkpoint.
  /// \param done  steps of the stage so far; engine.decoder() has the weights after them
  /// \throws AgreedError(stopped), AgreedError(io)
  void between_steps(const StageConfig& stage, std::int64_t done, Engine& engine, const Learner& learner,
                     const std::function<StageProgress()>& progress);
  /// At the end of a stage: its weights are what later stages start from.
  /// \param decoder  null for a stage that makes no weights
  void stage_done(const StageConfig& stage, const StageOutcome& outcome, const Decoder* decoder);
  /// Keeps one that the recipe was changed behind: the steps after it can only be done again from there.
  void keep(const CheckpointName& name);
  /// Waits for the last one.
  void finish() { writer_->finish(); }
  /// The ranks that write from here on, and their name in the run: run.team. Collective over both.
  void change_team(Communicator& team);

  /// What to do before each checkpoint of the stage: a rank closes the segment of its rollout log, so that
  /// what the checkpoint stands on is in a file that is whole and durable.
  void before_each(std::function<void()> work) { before_each_ = std::move(work); }
  /// Signals that others than the team's ranks have had; 0: none.
  void ask_also(std::function<int()> signal) { ask_also_ = std::move(signal); }

  /// Where the run goes on in the middle of this stage: gives engine and learner the weights and moments of
  /// the checkpoint. \return its state, or null where the stage begins
  const TrainState* restore(const StageConfig& stage, Engine& engine, Learner& learner);

  /// Gives engine and learner the weights and moments of the last checkpoint that was due by the recipe: one
  /// that was made because the run was stopped does not count, or a run that was stopped would end otherwise.
  /// \param done  steps of the stage so far \return its step; nothing where none was due yet, and nothing is
  /// changed
  std::optional<std::int64_t> roll_back(const StageConfig& stage, std::int64_t done, Engine& engine,
                                        Learner& learner);

  /// Seconds that the stage has taken, those before the run was resumed included.
  [[nodiscard]] double stage_seconds() const;
  void begin_stage(const StageConfig& stage);
  /// Seconds that the last between_steps() kept training waiting.
  [[nodiscard]] double seconds_lost() const { return seconds_lost_; }

 private:
  void make_writer();
  void wait_for_last(const std::string& stage, std::int64_t step);
  [[nodiscard]] CheckpointContent content(const StageConfig& stage, std::int64_t step) const;

  TrainRun& run_;
  std::unique_ptr<CheckpointWriter> writer_;
  std::vector<CheckpointName> kept_;
  std::function<void()> before_each_;
  std::function<int()> ask_also_;
  std::int64_t last_step_ = 0;  ///< of the stage, that has a checkpoint
  double seconds_before_ = 0;   ///< of the stage, before the run was resumed
  std::chrono::steady_clock::time_point stage_start_;
  double seconds_lost_ = 0;
};

}  // namespace reckon
