// `reckon train`: the stages of a recipe, in the order of their graph.
#include "train/run.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <span>

#include "commands.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/base/log.h"
#include "reckon/base/sha256.h"
#include "reckon/base/stop_signal.h"
#include "reckon/grade/certifier.h"
#include "train/run_folder.h"
#include "train/together.h"
#include "train/setup.h"

namespace reckon {
namespace fs = std::filesystem;

std::vector<const RecipeTask*> TrainRun::tasks_named(const std::vector<std::string>& names) const {
  std::vector<const RecipeTask*> chosen;
  for (const RecipeTask& task : tasks) {
    if (names.empty() || std::find(names.begin(), names.end(), task.config.name) != names.end()) {
      chosen.push_back(&task);
    }
  }
  return chosen;
}

void stop_if_asked(TrainRun& run, const std::string& where) {
  double signal = stop_signal();
  run.world.maximum({&signal, 1});
  if (signal == 0) return;
  const char* name = strsignal(static_cast<int>(signal));
  throw Error(ExitCode::stopped, run.is_root() ? where + ": stopped (" + name +
                                                     "). What was written stands in " + run.folder.string()
                                               : "");
}

std::string agreed_sha256(TrainRun& run, Engine& engine) {
  engine.fetch_weights();
  const std::string mine = engine.decoder().sha256();
  if (const auto other = first_disagreement(run.world, mine)) {
    throw Error(ExitCode::internal, "weights of rank " + std::to_string(other->rank) + " are " +
                                        other->text.substr(0, 12) + "..., those of rank 0 " +
                                        other->first_text.substr(0, 12) +
                                        "... (need the same bits on every rank)");
  }
  return mine;
}

namespace {

/// Ranks whose operations give other bits could not hold the same weights for long.
void check_numerics(const TrainRun& run) {
  const auto other = first_disagreement(run.world, run.fingerprint);
  if (!other) return;
  throw Error(ExitCode::environment, run.is_root()
                                         ? "numerics fingerprint of rank " + std::to_string(other->rank) +
                                               " is " + other->text.substr(0, 12) + "..., that of rank 0 " +
                                               other->first_text.substr(0, 12) +
                                               "... (need machines that compute with the same bits)"
                                         : "");
}

fs::path checkpoint_folder(const TrainRun& run, const std::string& stage, std::int64_t steps) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%06lld", static_cast<long long>(steps));
  return run.folder / "checkpoints" / stage / name;
}

/// Whether a stage that comes later starts from these weights.
bool is_needed_later(const TrainRun& run, std::span<const std::size_t> later, const std::string& from) {
  return std::any_of(later.begin(), later.end(),
                     [&](std::size_t index) { return run.recipe.stage[index].from == from; });
}

/// The weights that a training stage changes: moved where no later stage needs them as they are. A large
/// model is not to be held twice.
std::unique_ptr<Decoder> take_weights(TrainRun& run, const std::string& from, bool keep) {
  std::unique_ptr<Decoder>& source = run.weights.at(from);
  return keep ? copy_of(*source) : std::move(source);
}

/// One stage: weights in, weights out (but for eval), its checkpoint and its line of the summary.
/// \param later  the stages after it, as positions in recipe.stage
void run_stage(TrainRun& run, const StageConfig& stage, std::span<const std::size_t> later) {
  const auto start = std::chrono::steady_clock::now();
  run.display.begin_stage(stage.name, std::string(enum_name(stage.kind)), stage.steps);
  StageOutcome outcome;
  if (stage.kind == StageKind::eval) {
    const auto engine = make_engine(run.recipe.model, *run.weights.at(stage.from), run.world);
    outcome = run_eval_stage(run, stage, *engine);
  } else {
    std::unique_ptr<Decoder> decoder = take_weights(run, stage.from, is_needed_later(run, later, stage.from));
    auto engine = make_engine(run.recipe.model, *decoder, run.world);
    outcome = stage.kind == StageKind::sft ? run_sft_stage(run, stage, *engine)
                                           : run_grpo_stage(run, stage, *engine);
    agreed_sha256(run, *engine);
    engine.reset();  // the checkpoint needs none of its memory
    if (run.is_root()) {
      save_pretrained(checkpoint_folder(run, stage.name, outcome.steps), *decoder, run.model_files,
                      {.dtype = tensor_dtype(run.recipe.checkpoint.dtype)});
    }
    if (is_needed_later(run, later, stage.name)) run.weights[stage.name] = std::move(decoder);
  }
  if (!is_needed_later(run, later, stage.from)) run.weights.erase(stage.from);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  StageSummary& entry = run.summary.stage(stage.name);
  entry.kind = enum_name(stage.kind);
  entry.seconds = seconds;
  entry.steps = static_cast<std::uint64_t>(outcome.steps);
  if (stage.kind == StageKind::eval) entry.evaluates = stage.from;
  if (run.is_root()) write_summary(run.folder / "summary.json", run.summary);
  run.display.end_stage(outcome.closing);
}

void run_stages(TrainRun& run) {
  const std::vector<std::size_t> order = run_order(run.recipe);
  for (std::size_t i = 0; i < order.size(); ++i) {
    run_stage(run, run.recipe.stage[order[i]], std::span(order).subspan(i + 1));
  }
  run.summary.complete = true;
  if (run.is_root()) write_summary(run.folder / "summary.json", run.summary);
  run.display.line("");
  run.display.line(summary_table(run.summary));
  run.display.line("Written to " + run.folder.string() +
                   ": recipe.toml, metrics.jsonl, summary.json, rollouts/, checkpoints/");
}

/// Workers start with the first requests: as many as there are threads that grade.
constexpr int kMaxCertifiers = 16;

struct TrainArguments {
  std::string file;
  std::vector<std::string> overrides;
  std::string out;
  ProgressMode progress = ProgressMode::automatic;
};

void train(const TrainArguments& arguments) {
  start_certifiers(kMaxCertifiers);  // a copy of this process, made while it has no threads and no MPI
  install_stop_signals();
  at::set_num_threads(1);  // ranks, not threads
  MpiSession session(nullptr, nullptr);
  Communicator& world = session.world();
  set_failpoint_rank(world.rank());
  if (world.size() > 1) {
    char host[256] = "";
    gethostname(host, sizeof host - 1);
    set_log_label("rank " + std::to_string(world.rank()) + "/" + std::to_string(world.size()) + " " + host);
  }
  Display display(arguments.progress, world.rank() != 0);
  TrainRun run(world, display);
  run.machine = machine_memory(world);
  run_together(world, [&] { set_up(run, arguments.file, arguments.overrides, arguments.out); });
  check_numerics(run);
  try {
    run_stages(run);
  } catch (const Error& error) {
    if (error.code() == ExitCode::stopped || world.size() == 1) throw;
    // The other ranks wait in collective calls and cannot be told: the job is ended, this rank's word is the
    // last.
    log_error(error.what());
    world.abort(static_cast<int>(error.code()));
  } catch (const std::exception& error) {
    if (world.size() == 1) throw;
    log_error(std::string("internal: ") + error.what());
    world.abort(static_cast<int>(ExitCode::internal));
  }
}

}  // namespace

void add_train_command(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("train", "run the stages of a recipe; start it with mpirun or srun");
  const auto arguments = std::make_shared<TrainArguments>();
  add_recipe_arguments(*command, arguments->file, arguments->overrides);
  command->add_option("--out", arguments->out, "folder of the run; runs/NAME where not given");
  const std::map<std::string, ProgressMode> modes{
      {"auto", ProgressMode::automatic}, {"live", ProgressMode::live}, {"plain", ProgressMode::plain}};
  command
      ->add_option("--progress", arguments->progress, "auto, live (one line that changes) or plain (lines)")
      ->transform(CLI::CheckedTransformer(modes).description("auto|live|plain"))
      ->default_str("auto");
  command->callback([arguments] { train(*arguments); });
}

}  // namespace reckon
