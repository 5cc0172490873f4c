#include "checkpoints.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

#include "ledger.h"
#include "reckon/base/log.h"
#include "reckon/base/sha256.h"
#include "reckon/base/stop_signal.h"

namespace reckon {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

Checkpoint final_checkpoint(const TrainRun& run, const std::string& stage) {
  const std::vector<CheckpointName> names = list_checkpoints(run.folder / "checkpoints");
  const auto last = std::ranges::find(names.rbegin(), names.rend(), stage, &CheckpointName::stage);
  if (last != names.rend()) {
    Checkpoint checkpoint = open_checkpoint(run.folder / "checkpoints" / last->text(), CheckFiles::none);
    if (checkpoint.state.stage_done) return checkpoint;
  }
  throw Error(ExitCode::bad_data, (run.folder / "checkpoints" / stage).string() +
                                      ": has no checkpoint of the stage's end (need it for its weights)");
}

void restore_stage(const Checkpoint& checkpoint, Engine& engine, Learner& learner) {
  load_weights(checkpoint, engine.decoder());
  engine.store_weights();
  const Moments moments = load_moments(checkpoint, engine.decoder().parameters().size());
  learner.restore(checkpoint.state.updates, moments.first, moments.second);
}

PolicyVersions load_past(const Checkpoint& checkpoint, std::size_t parameters) {
  PolicyVersions versions;
  for (const PastWeights& past : checkpoint.state.past) {
    versions[past.step] = {.step = past.step,
                           .updates = past.updates,
                           .sha256 = past.sha256,
                           .weights = load_past_weights(checkpoint, past, parameters)};
  }
  return versions;
}

namespace {

/// What a stage knows of its state, in the words of a checkpoint.
void add_progress(StageProgress own, CheckpointContent& content) {
  TrainState& state = content.state;
  state.cursor = std::move(own.cursor);
  state.weights_sha256 = std::move(own.weights_sha256);
  state.guards = std::move(own.guards);
  state.pending_groups.assign(own.ledger.pending.begin(), own.ledger.pending.end());
  state.groups_drawn = static_cast<std::uint64_t>(own.ledger.next_group);
  state.groups_dropped = static_cast<std::uint64_t>(own.ledger.dropped);
  if (own.past == nullptr) return;
  for (const auto& [step, version] : *own.past) {
    state.past.push_back({step, version.updates, version.sha256});
    content.past.emplace_back(version.weights);
  }
}

}  // namespace

RunCheckpoints::RunCheckpoints(TrainRun& run) : run_(run) {
  make_writer();
}

void RunCheckpoints::make_writer() {
  writer_ =
      std::make_unique<CheckpointWriter>(run_.folder / "checkpoints", *run_.team,
                                         RetentionConfig{.keep_last = run_.recipe.checkpoint.keep_last,
                                                         .keep_every = run_.recipe.checkpoint.keep_every,
                                                         .schedule = run_.recipe.checkpoint.every_steps});
  for (const CheckpointName& name : kept_) writer_->keep(name);
}

void RunCheckpoints::keep(const CheckpointName& name) {
  kept_.push_back(name);
  writer_->keep(name);
}

void RunCheckpoints::change_team(Communicator& team) {
  if (&team == run_.team) return;
  finish();
  run_.team = &team;
  make_writer();
}

CheckpointContent RunCheckpoints::content(const StageConfig& stage, std::int64_t step) const {
  CheckpointContent content;
  TrainState& state = content.state;
  state.stage = stage.name;
  state.step = step;
  state.stage_seconds = stage_seconds();
  state.summary = summary_json(run_.summary);
  state.recipe_sha256 = run_.recipe_sha256;
  state.fingerprint = run_.fingerprint;
  content.files = run_.model_files;
  content.dtype = tensor_dtype(run_.recipe.checkpoint.dtype);
  if (!run_.is_root()) return content;
  state.metrics_bytes = run_.metrics->bytes();
  state.metrics_sha256 = sha256_of_file(run_.folder / "metrics.jsonl");
  state.chain_bytes = run_.chain->bytes();
  state.chain_link = run_.chain->link();
  content.sync_first.push_back(run_.folder / "metrics.jsonl");
  content.sync_first.push_back(run_.folder / kChainFile);
  content.texts[kLineageFile] = lineage_text(run_, stage.name);
  return content;
}

/// One is written at a time.
void RunCheckpoints::wait_for_last(const std::string& stage, std::int64_t step) {
  constexpr double kWorthMentioning = 1.0;  // seconds
  const auto start = Clock::now();
  writer_->finish();
  const double seconds = seconds_since(start);
  if (seconds < kWorthMentioning || !run_.is_root()) return;
  log_warning(stage + " step " + std::to_string(step) + ": the checkpoint waited " + fixed(seconds, 1) +
              " s for the one before it to be written (need a larger checkpoint.every_steps, or a faster "
              "disk)");
}

void RunCheckpoints::between_steps(const StageConfig& stage, std::int64_t done, Engine& engine,
                                   const Learner& learner, const std::function<StageProgress()>& progress) {
  const auto start = Clock::now();
  run_.set_activity(stage, done, "checkpoint");
  const int signals = std::max(stop_signal(), ask_also_ ? ask_also_() : 0);
  std::array<double, 2> flags = {static_cast<double>(signals), writer_->is_busy() ? 1.0 : 0.0};
  run_.team->maximum(flags);
  const auto signal = static_cast<int>(flags[0]);
  if (writer_->in_flight() && flags[1] == 0) writer_->advance();

  const std::int64_t every = run_.recipe.checkpoint.every_steps;
  const bool is_due = signal != 0 || (every > 0 && done % every == 0);
  if (is_due && done > last_step_ && done < stage.steps) {
    wait_for_last(stage.name, done);
    if (before_each_) before_each_();
    CheckpointContent content = this->content(stage, done);
    add_progress(progress(), content);
    content.state.updates = learner.updates();
    content.decoder = &engine.decoder();
    content.learner = &learner;
    writer_->begin(content);
    last_step_ = done;
  }
  if (signal != 0) {
    writer_->finish();
    throw_stopped(run_, stage.name + " step " + std::to_string(done), signal);
  }
  seconds_lost_ = seconds_since(start);
}

void RunCheckpoints::stage_done(const StageConfig& stage, const StageOutcome& outcome,
                                const Decoder* decoder) {
  CheckpointContent content = this->content(stage, outcome.steps);
  content.state.stage_done = true;
  content.state.weights_sha256 = outcome.weights_sha256;
  content.decoder = decoder;
  if (decoder == nullptr) content.files.clear();
  writer_->begin(content);
}

void RunCheckpoints::begin_stage(const StageConfig& stage) {
  stage_start_ = Clock::now();
  seconds_before_ = 0;
  last_step_ = 0;
  before_each_ = {};
  ask_also_ = {};
  if (run_.resume && run_.resume->checkpoint.state.stage == stage.name)
    seconds_before_ = run_.resume->checkpoint.state.stage_seconds;
}

std::optional<std::int64_t> RunCheckpoints::roll_back(const StageConfig& stage, std::int64_t done,
                                                      Engine& engine, Learner& learner) {
  writer_->finish();
  const std::int64_t every = run_.recipe.checkpoint.every_steps;
  const std::int64_t step = every == 0 ? 0 : done - done % every;
  if (step == 0) return {};
  const CheckpointName name{stage.name, step};
  restore_stage(open_checkpoint(run_.folder / "checkpoints" / name.text(), CheckFiles::none), engine,
                learner);
  return step;
}

const TrainState* RunCheckpoints::restore(const StageConfig& stage, Engine& engine, Learner& learner) {
  if (!run_.resume || run_.resume->checkpoint.state.stage != stage.name ||
      run_.resume->checkpoint.state.stage_done)
    return nullptr;
  const Checkpoint& checkpoint = run_.resume->checkpoint;
  restore_stage(checkpoint, engine, learner);
  last_step_ = checkpoint.state.step;
  return &checkpoint.state;
}

double RunCheckpoints::stage_seconds() const {
  return seconds_before_ + seconds_since(stage_start_);
}

}  // namespace reckon
