#include "rollout_source.h"

#include <algorithm>

#include "reckon/base/failpoint.h"

namespace reckon {
namespace {

class OwnRollouts final : public RolloutSource {
 public:
  explicit OwnRollouts(GrpoStage& grpo) : grpo_(grpo) {}

  void weights_made(std::int64_t step, const std::string& sha256) override {
    grpo_.weights_made(step, sha256);
  }
  [[nodiscard]] GrpoStep next(std::int64_t number) override {
    GrpoStep step = grpo_.draw(number);
    failpoint("train.draw");
    grpo_.sample(step);
    failpoint("train.sampled");
    grpo_.assign(step);
    grpo_.exchange(step);
    failpoint("train.exchanged");
    return step;
  }
  [[nodiscard]] StreamCursor cursor(std::int64_t done) override {
    return grpo_.prompts().cursor(grpo_.first_group_after(done));
  }

 private:
  GrpoStage& grpo_;
};

}  // namespace

LedgerState ledger_of(const TrainState& state) {
  return {.steps_done = state.step,
          .next_group = static_cast<std::int64_t>(state.groups_drawn),
          .pending = {state.pending_groups.begin(), state.pending_groups.end()},
          .dropped = static_cast<std::int64_t>(state.groups_dropped)};
}

void restore_prompts(const StageConfig& stage, const TrainState& state, GrpoStage& grpo) {
  if (stage.schedule.admission == Admission::in_order)
    return grpo.prompts().move_to(state.cursor, grpo.first_group_after(state.step));
  const LedgerState ledger = ledger_of(state);
  const std::int64_t first = ledger.pending.empty() ? ledger.next_group : ledger.pending.front();
  grpo.prompts().move_to(state.cursor, first);
  for (std::int64_t number = first; number < ledger.next_group; ++number) {
    if (!std::ranges::binary_search(ledger.pending, number)) grpo.prompts().drop(number);
  }
}

std::unique_ptr<RolloutSource> make_own_rollouts(GrpoStage& grpo) {
  return std::make_unique<OwnRollouts>(grpo);
}

}  // namespace reckon
