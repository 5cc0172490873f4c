#include "plan_lengths.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "app/display.h"
#include "reckon/base/error.h"
#include "reckon/record/stage_log.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// Where nothing is known.
constexpr double kAssumedPrompt = 256, kAssumedExample = 1024;
constexpr double kAssumedMeanShare = 0.5;  // of max_new_tokens
constexpr double kAssumedTail = 2;         // 95th percentile over the mean

}  // namespace

PlanLengths::PlanLengths(const PlanOptions& options, const std::vector<RecipeTask>& tasks,
                         const PromptFormat* prompts, std::vector<std::string>& notes)
    : options_(options), tasks_(tasks), prompts_(prompts), notes_(notes) {
  if (!options.from_run.empty()) read_run(options.from_run);
}

void PlanLengths::note(const std::string& text) {
  if (std::ranges::find(notes_, text) == notes_.end()) notes_.push_back(text);
}

void PlanLengths::read_run(const std::string& folder) {
  constexpr std::size_t kMostSteps = 64;
  const fs::path rollouts = fs::path(folder) / "rollouts";
  std::error_code ignored;
  if (!fs::is_directory(rollouts, ignored))
    throw Error(ExitCode::missing_input,
                "--from-run " + folder + ": has no rollouts/ (need the folder of a run)");
  for (const auto& entry : fs::directory_iterator(rollouts)) {
    if (!entry.is_directory()) continue;
    const StageLog log(entry.path(), StageLog::LiveSegments::read, StageLog::Access::guarded);
    Seen seen;
    double groups = 0, untrained = 0;
    const std::vector<std::uint64_t>& steps = log.steps();
    const std::size_t stride = std::max<std::size_t>(1, steps.size() / kMostSteps);
    for (std::size_t i = 0; i < steps.size(); i += stride) {
      for (const Group& group : log.read(steps[i]).groups) {
        const auto prompt = static_cast<double>(group.prompt.token_ids.size());
        seen.mean_prompt += prompt;
        seen.longest_prompt = std::max(seen.longest_prompt, prompt);
        bool trains = false;
        for (const Completion& completion : group.completions) {
          seen.lengths.push_back(static_cast<double>(completion.token_ids.size()));
          trains |= completion.advantage != 0;
        }
        groups += 1;
        untrained += trains ? 0 : 1;
      }
    }
    if (groups == 0) continue;
    seen.mean_prompt /= groups;
    seen.untrained_share = untrained / groups;
    seen_[entry.path().filename().string()] = std::move(seen);
  }
  if (seen_.empty())
    throw Error(ExitCode::missing_input, "--from-run " + folder + ": no stage has sampled anything yet");
}

void PlanLengths::set_completions(const StageConfig& stage, const ProblemLengths& problems,
                                  plan::StageLoad& load) {
  const auto most = static_cast<double>(stage.sampling.max_new_tokens);
  if (options_.mean_tokens > 0) {
    const double mean = std::min(options_.mean_tokens, most);
    const double tail = options_.p95_tokens > 0 ? options_.p95_tokens : std::min(kAssumedTail * mean, most);
    if (tail < mean || tail > 3.86 * mean) {
      throw Error(ExitCode::usage, "--p95-tokens: " + fixed(tail, 0) + " of a mean of " + fixed(mean, 0) +
                                       " (need from the mean to 3.86 times the mean)");
    }
    load.completions = plan::Lengths::lognormal(mean, std::max(mean, tail), most);
    if (options_.p95_tokens == 0)
      note("95th percentile of the completions: assumed, twice the mean (--p95-tokens)");
    return;
  }
  const auto seen = seen_.find(stage.kind == StageKind::eval ? stage.from : stage.name);
  if (seen != seen_.end()) {
    load.completions = plan::Lengths::seen(seen->second.lengths);
    if (stage.kind == StageKind::grpo) load.untrained_share = seen->second.untrained_share;
    load.mean_prompt = seen->second.mean_prompt;
    load.longest_prompt = std::max(load.longest_prompt, seen->second.longest_prompt);
    return;
  }
  if (!problems.solutions.empty()) {
    std::vector<double> lengths = problems.solutions;
    for (double& length : lengths) length = std::min(length, most);
    load.completions = plan::Lengths::seen(lengths);
    note("completions: as long as the tasks' reference solutions (--mean-tokens or --from-run say better)");
    return;
  }
  const double mean = kAssumedMeanShare * most;
  load.completions = plan::Lengths::lognormal(mean, std::min(kAssumedTail * mean, most), most);
  note(
      "completions: assumed, half of max_new_tokens on average and twice that at the 95th percentile "
      "(--mean-tokens, --from-run)");
}

plan::StageLoad PlanLengths::load(const Recipe& recipe, const StageConfig& stage) {
  std::vector<const RecipeTask*> tasks;
  std::size_t named = 0;
  for (const TaskConfig& config : recipe.task) {
    if (!stage.tasks.empty() && std::ranges::find(stage.tasks, config.name) == stage.tasks.end()) continue;
    ++named;
    for (const RecipeTask& task : tasks_) {
      if (task.config.name == config.name && prompts_ != nullptr) tasks.push_back(&task);
    }
  }
  ProblemLengths problems;
  if (!tasks.empty())
    problems = measure_problems(tasks, *prompts_, static_cast<std::uint64_t>(recipe.run.seed));
  if (tasks.empty() || options_.prompt_tokens > 0) {
    const double prompt = options_.prompt_tokens > 0 ? options_.prompt_tokens : kAssumedPrompt;
    if (tasks.empty()) {
      problems.mean_example = problems.longest_example = prompt + kAssumedExample;
      problems.mean_square_example = problems.mean_example * problems.mean_example;
      if (stage.kind == StageKind::sft)
        note("examples: assumed, " + fixed(prompt + kAssumedExample, 0) + " tokens");
      if (options_.prompt_tokens == 0)
        note("prompts: assumed, " + fixed(prompt, 0) + " tokens (--prompt-tokens)");
    }
    problems.mean_prompt = problems.longest_prompt = prompt;
  }
  plan::StageLoad load = load_of(stage, problems, std::max<std::size_t>(1, named));
  if (stage.kind != StageKind::sft) set_completions(stage, problems, load);
  return load;
}

double PlanLengths::grade_seconds() const {
  using Clock = std::chrono::steady_clock;
  constexpr std::uint64_t kGraded = 8;
  double seconds = 0, graded = 0;
  for (const RecipeTask& task : tasks_) {
    if (!task.task->has_problems(Split::train)) continue;
    for (std::uint64_t index = 0; index < kGraded; ++index) {
      const Problem problem = task.task->problem(task.config.levels.front(), Split::train, 1, index);
      const auto start = Clock::now();
      (void)task.task->grade(problem.spec, problem.answer);
      seconds += std::chrono::duration<double>(Clock::now() - start).count();
      graded += 1;
    }
  }
  return graded > 0 ? seconds / graded : 0;
}

}  // namespace reckon
