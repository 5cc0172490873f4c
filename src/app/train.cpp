// `reckon train`: the stages of a recipe, in the order of their graph.
#include "train/run.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstring>
#include <iostream>
#include <new>

#include "commands.h"
#include "machine.h"
#include "reckon/base/atomic_file.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/base/log.h"
#include "reckon/base/stop_signal.h"
#include "reckon/grade/certifier.h"
#include "train/checkpoints.h"
#include "train/ledger.h"
#include "train/resume.h"
#include "train/setup.h"
#include "train/split/worker.h"
#include "train/together.h"

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

TrainRun::TrainRun(Communicator& world_ranks, Display& screen)
    : world(world_ranks), team(&world_ranks), display(screen) {}
TrainRun::~TrainRun() = default;

void throw_stopped(const TrainRun& run, const std::string& where, int signal) {
  if (!run.is_root()) throw AgreedError(ExitCode::stopped, "");
  const bool has_checkpoint = !list_checkpoints(run.folder / "checkpoints").empty();
  throw AgreedError(ExitCode::stopped, where + ": stopped (" + strsignal(signal) + ")" +
                                           (has_checkpoint ? "" : ", with no checkpoint yet") +
                                           ". Go on with: reckon train " + run.folder.string() + " --resume");
}

void stop_if_asked(TrainRun& run, const std::string& where) {
  double signal = stop_signal();
  run.world.maximum({&signal, 1});
  if (signal == 0) return;
  run.checkpoints->finish();
  throw_stopped(run, where, static_cast<int>(signal));
}

bool is_needed_from(const TrainRun& run, std::size_t begin, const std::string& from) {
  const std::vector<std::size_t> order = run_order(run.recipe);
  return std::any_of(order.begin() + static_cast<std::ptrdiff_t>(std::min(begin, order.size())), order.end(),
                     [&](std::size_t index) { return run.recipe.stage[index].from == from; });
}

std::string agreed_sha256(TrainRun& run, Engine& engine) {
  engine.fetch_weights();
  const std::string mine = engine.decoder().sha256();
  if (const auto other = first_disagreement(*run.team, mine)) {
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

/// The weights that a training stage changes: moved where no later stage needs them as they are. A large
/// model is not to be held twice.
std::unique_ptr<Decoder> take_weights(TrainRun& run, const std::string& from, bool keep) {
  std::unique_ptr<Decoder>& source = run.weights.at(from);
  return keep ? copy_of(*source) : std::move(source);
}

/// A training stage on the ranks of the team.
StageOutcome train_on_team(TrainRun& run, const StageConfig& stage, Decoder& decoder) {
  const auto engine = make_engine(run.recipe.model, decoder, *run.team);
  return stage.kind == StageKind::sft ? run_sft_stage(run, stage, *engine)
                                      : run_grpo_stage(run, stage, *engine);
}

/// A stage in which some ranks learn while the others sample; all have its weights at the end.
StageOutcome run_split(TrainRun& run, const StageConfig& stage, Decoder& decoder) {
  StageOutcome outcome;
  if (run.roles.is_worker(run.world.rank())) {
    run.checkpoints->finish();
    outcome = run_rollout_worker(run, stage, decoder);
  } else {
    run.checkpoints->change_team(*run.role_group);
    outcome = train_on_team(run, stage, decoder);
    run.checkpoints->change_team(run.world);
  }
  if (const auto other = first_disagreement(run.world, outcome.weights_sha256)) {
    throw Error(ExitCode::internal, stage.name + ": rank " + std::to_string(other->rank) +
                                        " ends with the weights " + other->text.substr(0, 12) +
                                        "..., rank 0 with " + other->first_text.substr(0, 12) +
                                        "... (need the same bits)");
  }
  return outcome;
}

/// Trains or evaluates; a training stage leaves its weights where later stages find them.
StageOutcome run_kind(TrainRun& run, const StageConfig& stage, std::size_t position) {
  if (stage.kind == StageKind::eval) {
    const auto engine = make_engine(run.recipe.model, *run.weights.at(stage.from), run.world);
    run.world.set_activity(stage.name + ", evaluation");
    record_stage_start(run, stage, "");
    StageOutcome outcome = run_eval_stage(run, stage, *engine);
    record_stage_end(run, stage, outcome);
    return outcome;
  }
  std::unique_ptr<Decoder> decoder =
      take_weights(run, stage.from, is_needed_from(run, position + 1, stage.from));
  StageOutcome outcome = run.roles.are_split() && stage.kind == StageKind::grpo
                             ? run_split(run, stage, *decoder)
                             : train_on_team(run, stage, *decoder);
  record_stage_end(run, stage, outcome);
  run.weights[stage.name] = std::move(decoder);
  return outcome;
}

/// One stage: weights in, weights out (but for eval), its line of the summary, its last checkpoint.
void run_stage(TrainRun& run, const StageConfig& stage, std::size_t position) {
  run.display.begin_stage(stage.name, std::string(enum_name(stage.kind)), stage.steps);
  run.checkpoints->begin_stage(stage);
  const StageOutcome outcome = run_kind(run, stage, position);
  StageSummary& entry = run.summary.stage(stage.name);
  entry.kind = enum_name(stage.kind);
  entry.seconds = run.checkpoints->stage_seconds();
  entry.steps = static_cast<std::uint64_t>(outcome.steps);
  if (stage.kind == StageKind::eval) entry.evaluates = stage.from;
  if (run.is_root()) {
    write_summary(run.folder / "summary.json", run.summary);
    write_file_atomic(run.folder / kLineageFile, lineage_text(run, ""));
  }
  run.checkpoints->stage_done(stage, outcome,
                              stage.kind == StageKind::eval ? nullptr : run.weights.at(stage.name).get());
  for (const std::string& name : {stage.from, stage.name}) {
    if (!is_needed_from(run, position + 1, name)) run.weights.erase(name);
  }
  run.display.end_stage(outcome.closing);
}

/// The weights of stages that were done before the run was resumed, for those that start from them.
void load_done_stages(TrainRun& run, const std::vector<std::size_t>& order) {
  if (!run.resume) return;
  const std::size_t first = run.resume->first_open();
  for (std::size_t i = 0; i < first; ++i) {
    const std::string& name = run.recipe.stage[order[i]].name;
    if (!is_needed_from(run, first, name)) continue;
    const Checkpoint last = final_checkpoint(run, name);
    auto decoder = copy_of(*run.weights.at("model"));
    load_weights(last, *decoder);
    decoder->repack();
    run.weights[name] = std::move(decoder);
  }
  if (!is_needed_from(run, first, "model")) run.weights.erase("model");
}

void run_stages(TrainRun& run) {
  const std::vector<std::size_t> order = run_order(run.recipe);
  load_done_stages(run, order);
  for (std::size_t i = run.resume ? run.resume->first_open() : 0; i < order.size(); ++i) {
    run_stage(run, run.recipe.stage[order[i]], i);
  }
  run.checkpoints->finish();
  run.summary.complete = true;
  if (run.is_root()) write_summary(run.folder / "summary.json", run.summary);
  run.display.line("");
  run.display.line(summary_table(run.summary));
  run.display.line("Written to " + run.folder.string() +
                   ": recipe.toml, metrics.jsonl, chain.jsonl, lineage.json, summary.json, rollouts/, "
                   "checkpoints/");
}

/// Which rank does what, and what ranks of different roles speak through.
void take_roles(TrainRun& run) {
  const ClusterConfig& cluster = run.recipe.cluster;
  run.world.set_timeout(cluster.timeout_s);
  std::vector<std::string> hosts;
  for (int rank = 0; rank < run.world.size(); ++rank) hosts.push_back(run.world.host(rank));
  run_together(run.world, [&] { run.roles = place_roles(cluster, hosts); });
  if (!run.roles.are_split()) return;
  run.role_group = run.world.split(run.roles.is_worker(run.world.rank()) ? 1 : 0);
  // A rank that lags behind may have the weights of a few steps on their way.
  const std::size_t weights = run.weights.at("model")->parameters().size() * sizeof(float);
  constexpr std::size_t kLeast = std::size_t{64} << 20;
  run.port = make_message_port(run.world,
                               {.inbox_bytes = kLeast + 2 * weights, .outbox_bytes = kLeast + 2 * weights});
  run.display.line("roles: " + std::to_string(run.roles.learners.size()) + " learners, " +
                   std::to_string(run.roles.workers.size()) + " rollout workers");
}

/// Workers start with the first requests: as many as there are threads that grade.
constexpr int kMaxCertifiers = 16;

void train(const TrainArguments& arguments) {
  check_limits();
  start_certifiers(kMaxCertifiers);  // a copy of this process, made while it has no threads and no MPI
  install_stop_signals();
  std::signal(SIGPIPE, SIG_IGN);  // whoever reads the progress may go; the run does not end by that
  at::set_num_threads(1);         // ranks, not threads
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
  world.set_activity("set-up");
  run.machine = machine_memory(world);
  run_together(world, [&] { set_up(run, arguments); });
  check_numerics(run);
  take_roles(run);
  open_run(run, arguments);
  try {
    run_stages(run);
  } catch (const AgreedError&) {
    throw;
  } catch (const Error& error) {
    if (world.size() == 1) throw;
    // The other ranks wait in collective calls and cannot be told: the job is ended, this rank's word is the
    // last.
    log_error(error.what());
    world.abort(static_cast<int>(error.code()));
  } catch (const std::bad_alloc&) {
    if (world.size() == 1) throw;
    log_error(kOutOfMemory);
    world.abort(static_cast<int>(ExitCode::internal));
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
  CLI::Option* resume =
      command->add_flag("--resume", arguments->resume,
                        "go on with the run from its newest checkpoint; FILE may be the run's folder");
  command
      ->add_option("--allow-change", arguments->allow_change,
                   "with --resume: a setting, or a table of them, that may differ from the run's; repeatable")
      ->allow_extra_args(false)
      ->needs(resume);
  const std::map<std::string, ProgressMode> modes{
      {"auto", ProgressMode::automatic}, {"live", ProgressMode::live}, {"plain", ProgressMode::plain}};
  command
      ->add_option("--progress", arguments->progress, "auto, live (one line that changes) or plain (lines)")
      ->transform(CLI::CheckedTransformer(modes).description("auto|live|plain"))
      ->default_str("auto");
  command->callback([arguments] { train(*arguments); });
}

}  // namespace reckon
