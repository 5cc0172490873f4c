#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/recipe.h"
#include "check.h"
#include "history.h"
#include "reckon/checkpoint/state.h"
#include "reckon/lineage/lineage.h"
#include "reckon/record/guarded_log.h"
#include "reckon/text/tokenizer.h"

namespace reckon {

/// A checkpoint of which every file is as its manifest says.
struct SealedCheckpoint {
  std::string name;  ///< "rl-1/step-000100"
  TrainState state;
  Lineage lineage;
};

/// What the completions of a step come to, for its row of metrics.
struct StepTotals {
  std::int64_t step = 0;
  std::vector<double> values;  ///< in the order of StageTotals::names
};
struct StageTotals {
  std::vector<std::string> names;  ///< as in metrics.jsonl
  std::vector<StepTotals> steps;
};

/// What the checks of a run's folder learn from each other, in the order in which they are made.
struct RunFiles {
  std::filesystem::path folder;
  RunHistory history;
  std::optional<Recipe> recipe;
  std::vector<SealedCheckpoint> checkpoints;  ///< in the order in which they were written
  std::optional<Tokenizer> tokenizer;
  std::map<std::string, StageTotals> totals;  ///< by stage

  /// What the stage was told; null where the recipe cannot be read, or was changed on the way.
  [[nodiscard]] const StageConfig* stage_config(const std::string& stage) const;
};

// The checks, each a part of verify_files().
void check_recipe_file(RunFiles& run, VerifyReport& report);
void check_data(const RunFiles& run, VerifyReport& report);
void check_checkpoints(RunFiles& run, VerifyReport& report);
void check_rollouts(RunFiles& run, VerifyReport& report);
void check_metrics(const RunFiles& run, VerifyReport& report);
void check_summary(const RunFiles& run, VerifyReport& report);
void check_lineage_file(const RunFiles& run, VerifyReport& report);

/// The one way in which these checks open a segment: what no manifest vouches for is read in a process of its
/// own.
using SegmentReader = RolloutLogSource;
[[nodiscard]] std::unique_ptr<SegmentReader> open_segment(const std::filesystem::path& file);

/// Where stages are told differently than by the chain; a line each, naming stage and member. Of a lineage
/// that was written before the chain's end, only what it has is compared.
[[nodiscard]] std::vector<std::string> lineage_differences(const Lineage& lineage, const RunFiles& run);

}  // namespace reckon
