#pragma once

#include <map>
#include <string>
#include <vector>

#include "plan_options.h"
#include "stage_loads.h"

namespace reckon {

/// How long prompts and completions will be: from the command line, from a run's rollout log, from the tasks'
/// reference solutions, or assumed; what was assumed becomes a note.
class PlanLengths {
 public:
  /// \param prompts  null where the model's tokenizer is not here. All must outlive it.
  PlanLengths(const PlanOptions& options, const std::vector<RecipeTask>& tasks, const PromptFormat* prompts,
              std::vector<std::string>& notes);

  /// A stage with its lengths. \throws Error
  [[nodiscard]] plan::StageLoad load(const Recipe& recipe, const StageConfig& stage);
  /// Seconds of this machine to grade a reference solution; 0 where no task is here.
  [[nodiscard]] double grade_seconds() const;

 private:
  /// What a stage of a run sampled.
  struct Seen {
    std::vector<double> lengths;
    double mean_prompt = 0, longest_prompt = 0, untrained_share = 0;
  };
  void read_run(const std::string& folder);
  void set_completions(const StageConfig& stage, const ProblemLengths& problems, plan::StageLoad& load);
  void note(const std::string& text);

  const PlanOptions& options_;
  const std::vector<RecipeTask>& tasks_;
  const PromptFormat* prompts_;
  std::vector<std::string>& notes_;
  std::map<std::string, Seen> seen_;  // by stage
};

}  // namespace reckon
