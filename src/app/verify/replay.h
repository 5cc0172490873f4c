#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "app/guards.h"
#include "app/train/grpo_stage.h"
#include "app/train/sft_stage.h"
#include "compare.h"
#include "reckon/checkpoint/checkpoint.h"
#include "reckon/lineage/chain.h"
#include "reckon/record/stage_log.h"
#include "steps.h"

namespace reckon {

/// A training stage that is done again, a step at a time. Each step throws nothing for a difference: it
/// returns the first one.
class StageReplay {
 public:
  virtual ~StageReplay() = default;
  /// Steps after which weights and moments are remembered, for a guard went back to them later.
  void remember(std::set<std::int64_t> steps) { remembered_steps_ = std::move(steps); }
  /// Goes on behind a checkpoint in the middle of the stage.
  void restore(const Checkpoint& checkpoint);
  /// The next step. \param event  the chain's record of it
  /// \param details  whether completions, rewards and advantages are compared too, not only the update
  [[nodiscard]] virtual Difference step(const ChainEvent& event, bool details) = 0;
  [[nodiscard]] std::int64_t done() const { return done_; }
  /// Whether optimizer moments and weights are those of a checkpoint at this step.
  [[nodiscard]] Difference compare_with(const Checkpoint& checkpoint);
  /// What the last step was checked on: "24 completions, 310 tokens".
  [[nodiscard]] const std::string& checked() const { return checked_; }
  /// Where other bits are to be expected: the largest differences of the steps so far, in words.
  [[nodiscard]] std::string differences() const;

 protected:
  StageReplay(TrainRun& run, const StageConfig& stage, Engine& engine, const StepOptions& options);
  [[nodiscard]] virtual Learner& learner() = 0;
  /// Where the stage's prompts stand after done() steps, and going on from there. Nothing where that depended
  /// on who was first.
  [[nodiscard]] virtual std::optional<StreamCursor> cursor() = 0;
  virtual void move_to(const Checkpoint& checkpoint) = 0;
  /// Ends the step: goes back where the run did, and compares loss, gradient norm and weights with the
  /// chain's.
  [[nodiscard]] Difference end_step(const ChainEvent& event, double loss, double grad_norm);

  TrainRun& run_;
  const StageConfig& stage_;
  Engine& engine_;
  StepOptions options_;
  RunGuards guards_;
  std::int64_t done_ = 0;
  std::string checked_;
  double logprob_difference_ = 0;

 private:
  struct Remembered {
    std::vector<float> weights;
    Moments moments;
    std::int64_t updates = 0;
  };
  void remember_if_needed();
  void go_back_to(std::int64_t step);

  double loss_difference_ = 0, norm_difference_ = 0;  // relative
  std::set<std::int64_t> remembered_steps_;
  std::map<std::int64_t, Remembered> remembered_;
};

/// \param engine  with the weights that the stage starts from
[[nodiscard]] std::unique_ptr<StageReplay> make_replay(TrainRun& run, const StageConfig& stage,
                                                       Engine& engine, const StepOptions& options);

}  // namespace reckon
