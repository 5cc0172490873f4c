#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "reckon/base/describe.h"
#include "reckon/eval/config.h"
#include "reckon/learn/config.h"
#include "reckon/reward/config.h"
#include "reckon/rollout/config.h"

namespace reckon {

/// What a stage does. `unset` is a recipe's mistake, and never leaves load_recipe().
enum class StageKind {
  unset,
  sft,   ///< supervised fine-tuning on reference traces
  grpo,  ///< reinforcement learning on graded completions
  eval,  ///< accuracy on held-out problems; makes no weights
};
constexpr auto enum_names(StageKind) {
  return std::array{EnumName{StageKind::sft, "sft"}, EnumName{StageKind::grpo, "grpo"},
                    EnumName{StageKind::eval, "eval"}};
}

/// One [[stage]] table. Only the structs that its kind uses are read, checked and printed.
struct StageConfig {
  std::string name;
  StageKind kind = StageKind::unset;
  std::string from;                ///< a stage's name, or "model"
  std::vector<std::string> tasks;  ///< names; empty is all
  std::int64_t steps = 0;          ///< optimizer steps (sft), rounds of sampling and updates (grpo)
  SftConfig sft;
  GrpoConfig grpo;
  RewardConfig reward;
  SamplingConfig sampling;
  ScheduleConfig schedule;
  EvalConfig eval;
  OptimizerConfig optimizer;
  BatchConfig batch;
};

/// `kind` comes before the keys that depend on it. Where it could not be read, the keys of all kinds are
/// visited, so that their own mistakes are reported and they are not called unknown.
template <class Visitor>
void describe(Visitor& visit, StageConfig& c) {
  visit("name", c.name, required(), "name of the stage, unique in the recipe");
  visit("kind", c.kind, required(), "what the stage does");
  visit("from", c.from, required(),
        "where its weights come from: a stage, or \"model\" for the initial ones");
  visit("tasks", c.tasks, any(), "names of the tasks it works on; empty is all of the recipe");
  const bool any_kind = c.kind == StageKind::unset;
  const bool sft = any_kind || c.kind == StageKind::sft;
  const bool grpo = any_kind || c.kind == StageKind::grpo;
  const bool eval = any_kind || c.kind == StageKind::eval;
  if (sft || grpo) {
    const Bounds bounds = between(1, 1e9);
    visit("steps", c.steps, any_kind ? bounds : required(bounds),
          "optimizer steps; in grpo, rounds of sampling");
  }
  if (sft) describe(visit, c.sft);
  if (grpo) describe(visit, c.grpo);
  if (grpo || eval) describe(visit, c.sampling);
  if (grpo) describe(visit, c.schedule);
  if (grpo) visit("reward", c.reward, any(), "the reward: weights of its terms, and what they need");
  if (eval) describe(visit, c.eval);
  if (sft || grpo) {
    describe(visit, c.optimizer);
    describe(visit, c.batch);
  }
}

/// Why a key is not one of this stage's although another kind has it; "" where no kind has it.
[[nodiscard]] std::string explain_unknown_key(const StageConfig& stage, std::string_view key);

}  // namespace reckon
