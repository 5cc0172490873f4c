// `reckon verify`: proves that a run's files are what the run wrote, and that its steps come out again.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>

#include "commands.h"
#include "recipe_diff.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/grade/certifier.h"
#include "train/run.h"
#include "train/setup.h"
#include "verify/files.h"
#include "verify/steps.h"

namespace reckon {
namespace {

namespace fs = std::filesystem;

struct VerifyArguments {
  std::string folder, stage;
  std::int64_t step = 0;
  bool all = false, sample = false;
  VerifyBounds bounds;
};

/// The file that has a recipe of the run: recipe.toml, or the one that it was before a change.
fs::path recipe_file(const fs::path& run, const std::string& sha256) {
  for (const fs::path& file : {run / "recipe.toml", run / ("recipe-" + sha256.substr(0, 12) + ".toml")}) {
    if (fs::exists(file) && settings_sha256(read_file(file), file.string()) == sha256) return file;
  }
  return run / "recipe.toml";  // edited: its steps come out otherwise
}

bool has_step(const RecipeEpoch& epoch, const std::string& stage, std::int64_t step) {
  return std::ranges::any_of(epoch.events, [&](const ChainEvent& event) {
    return event.event == "step" && event.text("stage") == stage && event.integer("step") == step;
  });
}

/// The stage that --stage names, or the only one that can be meant: of several the one that is trained by
/// reinforcement. Nothing where this part of the run has no such step.
const StageConfig* chosen_stage(const TrainRun& run, const RecipeEpoch& epoch,
                                const VerifyArguments& arguments) {
  std::vector<const StageConfig*> fitting, grpo;
  std::string names;
  for (const StageConfig& stage : run.recipe.stage) {
    if (!arguments.stage.empty() && stage.name != arguments.stage) continue;
    if (!has_step(epoch, stage.name, arguments.step)) continue;
    fitting.push_back(&stage);
    if (stage.kind == StageKind::grpo) grpo.push_back(&stage);
    names += (names.empty() ? "" : ", ") + stage.name;
  }
  if (fitting.size() <= 1) return fitting.empty() ? nullptr : fitting.front();
  if (grpo.size() == 1) return grpo.front();
  throw Error(ExitCode::usage, arguments.folder + ": step " + std::to_string(arguments.step) +
                                   " is one of the stages " + names + " (need --stage with one of them)");
}

/// The steps that were made under one recipe. \return whether the step that was asked for is among them
bool verify_epoch(const VerifyArguments& arguments, const RecipeEpoch& epoch, VerifyReport& report) {
  const auto world = make_serial_communicator();
  Display display(ProgressMode::plain, true);
  TrainRun run(*world, display);
  run.machine = machine_memory(*world);
  TrainArguments from;
  from.file = recipe_file(arguments.folder, epoch.recipe_sha256).string();
  from.out = arguments.folder;
  set_up(run, from);
  StepVerifier verifier(run, epoch, {.sample = arguments.sample, .bounds = arguments.bounds}, report);
  if (arguments.step > 0) {
    const StageConfig* stage = chosen_stage(run, epoch, arguments);
    if (stage != nullptr) verifier.verify_step(*stage, arguments.step);
    return stage != nullptr;
  }
  for (const std::size_t index : run_order(run.recipe)) {
    const StageConfig& stage = run.recipe.stage[index];
    if (arguments.stage.empty() || stage.name == arguments.stage) verifier.verify_stage(stage);
  }
  return true;
}

void verify_steps(const VerifyArguments& arguments, VerifyReport& report) {
  start_certifiers(1);
  at::set_num_threads(1);
  const std::vector<ChainLine> chain = read_chain(fs::path(arguments.folder) / "chain.jsonl");
  bool is_done = false;
  for (const RecipeEpoch& epoch : recipe_epochs(chain))
    is_done = verify_epoch(arguments, epoch, report) || is_done;
  if (is_done) return;
  throw Error(ExitCode::usage, arguments.folder + ": no stage" +
                                   (arguments.stage.empty() ? "" : " " + in_quotes(arguments.stage)) +
                                   " of it has a step " + std::to_string(arguments.step));
}

void verify(const VerifyArguments& arguments) {
  if (!fs::exists(fs::path(arguments.folder) / "recipe.toml")) {
    throw Error(ExitCode::missing_input,
                arguments.folder + ": holds no run (need a folder that reckon train wrote)");
  }
  VerifyReport report;
  const bool does_steps = arguments.step > 0 || arguments.all || arguments.sample;
  if (arguments.step == 0) verify_files(arguments.folder, report);
  if (does_steps) verify_steps(arguments, report);
  if (report.failures() == 0) return;
  throw Error(ExitCode::bad_data, arguments.folder + ": " + std::to_string(report.failures()) +
                                      (report.failures() == 1 ? " check" : " checks") + " failed");
}

}  // namespace

void add_verify_command(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "verify", "prove that the files of a run are what it wrote, and that its steps come out again");
  const auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("RUN", arguments->folder, "folder of the run")->required();
  command->add_option("--step", arguments->step, "do this step again and compare it, number from 1")
      ->check(CLI::PositiveNumber);
  command->add_option("--stage", arguments->stage, "the stage of the step; with --all: this one alone");
  command->add_flag("--all", arguments->all, "check the files and do every step again");
  command->add_flag("--sample", arguments->sample,
                    "sample the completions again too and compare them token by token; without --step of "
                    "every step");
  command
      ->add_option("--bound-logprob", arguments->bounds.logprob,
                   "on a GPU, or a machine with other numerics: how far log-probs may differ")
      ->capture_default_str();
  command
      ->add_option("--bound-relative", arguments->bounds.relative, "... and loss and gradient norm, relative")
      ->capture_default_str();
  command->callback([arguments] { verify(*arguments); });
}

}  // namespace reckon
