// The rollout logs of a run, step by step against its chain.
#include <algorithm>

#include "app/recipe_diff.h"
#include "reckon/base/error.h"
#include "stage_reader.h"

namespace reckon {
namespace fs = std::filesystem;
namespace {

/// Everything that is said of one stage's log.
class RolloutCheck {
 public:
  RolloutCheck(RunFiles& run, const StageHistory& stage, VerifyReport& report)
      : run_(run),
        stage_(stage),
        folder_(run.folder / "rollouts" / stage.name),
        check_(report, "rollouts " + stage.name) {}

  void run() {
    if (!fs::is_directory(folder_)) {
      check_.fail_unless(stage_.steps.empty() && !stage_.ended, "rollouts/" + stage_.name + ": is not there");
      return;
    }
    check_.attempt([&] {
      const LogFolder files = read_log_folder(folder_);
      note_files(files);
      StageReader reader(files, check_, [&](const fs::path& file, const SegmentReader& segment) {
        inspect(file.filename().string(), segment);
      });
      check_steps(reader);
      check_segment_manifests(folder_, files, reader.seen(), check_);
    });
    if (!run_.tokenizer)
      check_.note("texts were not compared with tokens: no checkpoint has a tokenizer yet");
    if (run_.stage_config(stage_.name) == nullptr)
      check_.note(
          "rewards and advantages were not computed again: the recipe cannot be read, or was changed on the "
          "way");
    check_.finish(counted(num_steps_, "step") + ", " + counted(num_groups_, "group") + ", " +
                  counted(num_completions_, "completion"));
  }

 private:
  void note_files(const LogFolder& files) {
    for (const std::string& name : files.strangers) check_.fail(name + ": is no file of a rollout log");
    const bool is_open = !stage_.ended;
    for (const std::string& name : files.leftovers) check_.fail_unless(is_open, name + ": was not finished");
    for (const auto& [rank, segments] : files.ranks) {
      for (const auto& [number, segment] : segments) {
        if (segment.is_part())
          check_.fail_unless(is_open, segment.file.filename().string() +
                                          ": is still written, or was when the run was interrupted");
        if (segment.part_beside)
          check_.fail_unless(is_open, segment.file.filename().string() +
                                          ".part: is there beside the closed file, as a crash leaves it");
      }
    }
  }

  /// What a segment says of the run that wrote it.
  void inspect(const std::string& name, const SegmentReader& segment) {
    const RolloutLogInfo& info = segment.info();
    const ChainEvent& event = run_.history.run();
    if (info.stage != stage_.name) check_.fail(name + ": is of stage " + in_quotes(info.stage));
    if (info.tokenizer_sha256 != event.text("tokenizer_sha256"))
      check_.fail(name + ": is of tokenizer " + short_hash(info.tokenizer_sha256) + ", and the run had " +
                  short_hash(event.text("tokenizer_sha256")));
    if (info.fingerprint != event.text("fingerprint"))
      check_.note(name + ": was written with numerics " + short_hash(info.fingerprint) +
                  ", and the run began with " + short_hash(event.text("fingerprint")));
    if (run_.history.run().event.empty() || !run_.history.whole) return;
    const std::vector<std::string>& recipes = run_.history.recipes;
    const std::string recipe = settings_sha256(info.recipe_text, name);
    if (std::ranges::count(recipes, recipe) == 0)
      check_.fail(name + ": has a recipe " + short_hash(recipe) + ", which the chain does not know");
    const std::string run_id = event.text("run") + "-" + recipes.front().substr(0, 12);
    if (info.run_id != run_id)
      check_.fail(name + ": is of run " + in_quotes(info.run_id) + " (need " + in_quotes(run_id) + ")");
  }

  void check_steps(StageReader& reader) {
    StageTotals& totals = run_.totals[stage_.name];
    std::uint64_t expected = 1;
    while (std::optional<LoggedStep> step = reader.next()) {
      name_missing(expected, step->number, reader.damaged());
      expected = step->number + 1;
      if (step->number > stage_.steps.size() || step->number == 0) {
        take_step_beyond(step->number);
        continue;
      }
      const StepContext context{.event = stage_.steps[step->number - 1],
                                .config = run_.stage_config(stage_.name),
                                .tokenizer = run_.tokenizer ? &*run_.tokenizer : nullptr};
      // A step of which a part could not be read would be called incomplete for that alone.
      if (!reader.damaged()) check_step(*step, context, check_);
      count(*step);
      if (totals.names.empty() && !step->parts.empty())
        totals.names = total_names(step->parts.front().step.batch.reward_term_names);
      if (!check_.failed() && context.config != nullptr) totals.steps.push_back(totals_of(*step));
    }
    name_missing(expected, stage_.steps.size() + 1, reader.damaged());
  }

  /// Steps of the chain that no file has.
  void name_missing(std::uint64_t from, std::uint64_t to, bool damaged) {
    to = std::min<std::uint64_t>(to, stage_.steps.size() + 1);
    if (from >= to || damaged) return;
    check_.fail(to - from == 1
                    ? "step " + std::to_string(from) + " is in no file"
                    : "steps " + std::to_string(from) + " to " + std::to_string(to - 1) + " are in no file");
  }

  /// Logs are written before the chain, so they may be ahead of it by the step in which a crash came.
  void take_step_beyond(std::uint64_t number) {
    if (!run_.history.whole) return;
    check_.fail_unless(number == stage_.steps.size() + 1 && !stage_.ended,
                       "step " + std::to_string(number) + " is in the log, and the chain ends at step " +
                           std::to_string(stage_.steps.size()));
  }

  void count(const LoggedStep& step) {
    ++num_steps_;
    for (const LoggedStep::Part& part : step.parts) {
      num_groups_ += part.step.batch.groups.size();
      for (const Group& group : part.step.batch.groups) num_completions_ += group.completions.size();
    }
  }

  RunFiles& run_;
  const StageHistory& stage_;
  fs::path folder_;
  Check check_;
  std::size_t num_steps_ = 0, num_groups_ = 0, num_completions_ = 0;
};

/// Logs of stages that the chain does not have.
void check_strangers(const RunFiles& run, VerifyReport& report) {
  Check check(report, "rollouts");
  check.attempt([&] {
    for (const auto& entry : fs::directory_iterator(run.folder / "rollouts")) {
      const std::string name = entry.path().filename().string();
      const StageHistory* stage = run.history.find(name);
      if (stage != nullptr && stage->kind == "grpo" && entry.is_directory()) continue;
      if (run.history.whole)
        check.fail_unless(!run.history.finished && run.stage_config(name) != nullptr,
                          "rollouts/" + name + ": is of no stage that the chain has as grpo");
    }
  });
}

}  // namespace

void check_rollouts(RunFiles& run, VerifyReport& report) {
  if (fs::is_directory(run.folder / "rollouts")) check_strangers(run, report);
  for (const StageHistory& stage : run.history.stages) {
    if (stage.kind == "grpo") RolloutCheck(run, stage, report).run();
  }
}

}  // namespace reckon
