#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reckon {

/// Numbers beside those that every entry has, by name, in the order in which they are written.
using ExtraNumbers = std::vector<std::pair<std::string, double>>;

/// How a policy does on the held-out problems of one task.
struct TaskResult {
  double pass_at_1 = 0;    ///< mean over problems and samples, 0 .. 1
  double ci95 = 0;         ///< half the width of its 95 % interval
  std::uint64_t n = 0;     ///< problems
  double mean_tokens = 0;  ///< of the sampled completions
  double greedy = 0;       ///< share of the problems that the greedy completion gets right
  ExtraNumbers extra;
};

struct StageSummary {
  std::string name;
  std::string kind;
  double seconds = 0;  ///< wall time
  std::uint64_t steps = 0;
  std::string evaluates;  ///< for an eval stage: the stage whose policy it evaluates
  std::vector<std::pair<std::string, TaskResult>> tasks;
  ExtraNumbers extra;

  /// Entered again, a number replaces the first.
  void enter_extra(const std::string& number, double value);
};

/// What a run came to, stage by stage: `summary.json`, and the table at the end of the run.
struct Summary {
  std::string run;
  bool complete = false;  ///< every stage of the recipe has run to its end
  std::vector<StageSummary> stages;
  ExtraNumbers extra;

  /// The entry of a stage; made, behind the others, where it is not there.
  StageSummary& stage(std::string_view name);
  /// Enters a task's result under `stage`, and under `from`, the stage that it evaluates, where that has an
  /// entry (the base model has none). Entered again, it replaces the first.
  void enter_result(std::string_view stage, std::string_view from, const std::string& task,
                    const TaskResult& result);
};

/// {"run", "complete", "stages": {NAME: {"kind", "seconds", "steps", "from"?, "eval"?: {TASK: {"pass_at_1",
/// "ci95", "n", "mean_tokens", "greedy", ...}}, ...}}, ...}: extra numbers stand beside the others; what is
/// not finite is null.
[[nodiscard]] std::string summary_json(const Summary& summary);

/// Reads what summary_json writes, back to the same summary; null becomes NaN.
/// \param where  names the text in messages
/// \throws Error(bad_data) naming the member that is missing or not of its type.
[[nodiscard]] Summary parse_summary(std::string_view text, const std::string& where);

/// Writes summary.json; a reader sees the old file or the new one. \throws Error(io).
void write_summary(const std::filesystem::path& file, const Summary& summary);

/// The results as a table of text, one line for each stage and task, for a terminal in UTF-8. An eval stage
/// has no line of its own where its results stand under the stage that it evaluates. Steps and seconds stand
/// once a stage.
[[nodiscard]] std::string summary_table(const Summary& summary);

}  // namespace reckon
