// `reckon verify`: proves that a run's files are what the run wrote, and that its steps come out again.
#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "commands.h"
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

/// The stage that --stage names, or the only one that can be meant.
const StageConfig& chosen_stage(const TrainRun& run, const StepVerifier& verifier,
                                const VerifyArguments& arguments) {
  std::vector<const StageConfig*> fitting;
  std::string names;
  for (const StageConfig& stage : run.recipe.stage) {
    if (stage.kind == StageKind::eval || verifier.steps_of(stage.name) < arguments.step) continue;
    if (!arguments.stage.empty() && stage.name != arguments.stage) continue;
    fitting.push_back(&stage);
    names += (names.empty() ? "" : ", ") + stage.name;
  }
  const std::string asked = "step " + std::to_string(arguments.step);
  if (fitting.empty()) {
    throw Error(ExitCode::usage, arguments.folder + ": no stage" +
                                     (arguments.stage.empty() ? "" : " " + in_quotes(arguments.stage)) +
                                     " of it has a " + asked);
  }
  // Of several, the one that is trained by reinforcement is meant.
  std::vector<const StageConfig*> grpo;
  for (const StageConfig* stage : fitting) {
    if (stage->kind == StageKind::grpo) grpo.push_back(stage);
  }
  if (fitting.size() == 1) return *fitting.front();
  if (grpo.size() == 1) return *grpo.front();
  throw Error(ExitCode::usage, arguments.folder + ": " + asked + " is one of the stages " + names +
                                   " (need --stage with one of them)");
}

void verify_steps(const VerifyArguments& arguments, VerifyReport& report) {
  start_certifiers(1);
  at::set_num_threads(1);
  const auto world = make_serial_communicator();
  Display display(ProgressMode::plain, true);
  TrainRun run(*world, display);
  TrainArguments from;
  from.file = arguments.folder;
  from.resume = true;
  set_up(run, from);
  StepVerifier verifier(run, {.sample = arguments.sample, .bounds = arguments.bounds}, report);
  if (arguments.step > 0) {
    verifier.verify_step(chosen_stage(run, verifier, arguments), arguments.step);
    return;
  }
  for (const std::size_t index : run_order(run.recipe)) {
    const StageConfig& stage = run.recipe.stage[index];
    if (arguments.stage.empty() || stage.name == arguments.stage) verifier.verify_stage(stage);
  }
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
