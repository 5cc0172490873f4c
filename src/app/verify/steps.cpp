#include "steps.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "app/train/checkpoints.h"
#include "app/train/ledger.h"
#include "reckon/base/error.h"
#include "replay.h"

namespace reckon {
namespace {

std::string step_name(const StageConfig& stage, std::int64_t number) {
  return stage.name + " step " + std::to_string(number);
}

/// The checkpoints in the middle of a stage, by step; those that are broken are reported.
std::map<std::int64_t, Checkpoint> stage_checkpoints(const TrainRun& run, const std::string& stage,
                                                     VerifyReport& report) {
  std::map<std::int64_t, Checkpoint> found;
  for (const CheckpointName& name : list_checkpoints(run.folder / "checkpoints")) {
    if (name.stage != stage) continue;
    try {
      found.emplace(name.step, open_checkpoint(run.folder / "checkpoints" / name.text()));
    } catch (const Error& error) {
      report.fail("checkpoint " + name.text(), error.what());
    }
  }
  return found;
}

using StepEvents = std::map<std::int64_t, const ChainEvent*>;

/// The steps up to `last` in which a guard went back, and to which step.
std::map<std::int64_t, std::int64_t> rollbacks_before(const StepEvents& events, std::int64_t last) {
  std::map<std::int64_t, std::int64_t> found;
  for (const auto& [step, event] : events) {
    if (step <= last && event->find("rolled_back_to") != nullptr)
      found[step] = event->integer("rolled_back_to");
  }
  return found;
}

}  // namespace

std::vector<RecipeEpoch> recipe_epochs(const std::vector<ChainLine>& chain) {
  std::vector<RecipeEpoch> epochs;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const ChainEvent& event = chain[i].event;
    if (i > 0 && event.event != "change") {
      epochs.back().events.push_back(event);
      continue;
    }
    epochs.push_back({.recipe_sha256 = event.text("recipe_sha256"),
                      .fingerprint = current_fact(std::span(chain).first(i + 1), "fingerprint"),
                      .events = {}});
  }
  return epochs;
}

StepVerifier::StepVerifier(TrainRun& run, const RecipeEpoch& epoch, StepOptions options, VerifyReport& report)
    : run_(run), options_(options), report_(report), epoch_(epoch) {
  // Other machines and numbers of ranks give other bits only where the rule says so: on GPUs, and where the
  // operations themselves give others.
  const bool is_same = epoch.fingerprint == run.fingerprint;
  if (is_same && run.recipe.model.device == Device::cpu) {
    options_.bounds = {.logprob = 0, .relative = 0};
    return;
  }
  report_.note("numerics", (is_same ? std::string("a GPU")
                                    : "this machine's fingerprint is " + run.fingerprint.substr(0, 12) +
                                          ", the run's " + epoch.fingerprint.substr(0, 12)) +
                               ": log-probs may differ by " + fixed(options_.bounds.logprob, 4) +
                               ", loss and gradient norm by " + fixed(100 * options_.bounds.relative, 1) +
                               " %, weights are not compared");
}

std::unique_ptr<Decoder> StepVerifier::weights_before(const StageConfig& stage) const {
  auto decoder = copy_of(*run_.weights.at("model"));
  if (stage.from == "model") return decoder;
  load_weights(final_checkpoint(run_, stage.from), *decoder);
  decoder->repack();
  return decoder;
}

void StepVerifier::walk(const StageConfig& stage, std::int64_t last, bool is_whole) {
  StepEvents events;
  for (const ChainEvent& event : epoch_.events) {
    if (event.event == "step" && event.text("stage") == stage.name) events[event.integer("step")] = &event;
  }
  const std::int64_t first = events.begin()->first;
  const auto checkpoints = stage_checkpoints(run_, stage.name, report_);
  const auto decoder = weights_before(stage);
  const auto engine = make_engine(run_.recipe.model, *decoder, run_.world);
  const auto replay = make_replay(run_, stage, *engine, options_);
  const std::map<std::int64_t, std::int64_t> rollbacks = rollbacks_before(events, last);
  std::set<std::int64_t> targets;
  for (const auto& [step, target] : rollbacks) targets.insert(target);
  replay->remember(targets);
  // The newest checkpoint that the asked steps come after, made by this recipe or just before it was changed.
  for (auto it = checkpoints.rbegin(); it != checkpoints.rend(); ++it) {
    // What was admitted as it was complete may be of weights that were made max_staleness steps before.
    const std::int64_t lag =
        stage.schedule.admission == Admission::as_completed ? stage.schedule.max_staleness : 0;
    const std::int64_t latest = is_whole ? first - 1 : std::max(last - 1 - lag, first - 1);
    if (it->first > latest || it->first < first - 1 || it->second.state.stage_done) continue;
    // What a guard went back to after the checkpoint must come after it as well.
    const bool reaches_back = std::any_of(rollbacks.upper_bound(it->first), rollbacks.end(),
                                          [&](const auto& entry) { return entry.second < it->first; });
    if (reaches_back) continue;
    replay->restore(it->second);
    report_.note(step_name(stage, last), "from the checkpoint at step " + std::to_string(it->first));
    break;
  }
  if (replay->done() < first - 1) {
    return report_.fail(step_name(stage, first),
                        "the recipe was changed before it, and the checkpoint at step " +
                            std::to_string(first - 1) + " is gone (need it to do the step again)");
  }
  while (replay->done() < last) {
    const std::int64_t next = replay->done() + 1;
    const bool is_asked = is_whole || next == last;
    if (!events.contains(next)) return report_.fail(step_name(stage, next), "the chain has no such step");
    if (const Difference found = replay->step(*events.at(next), is_asked))
      return report_.fail(step_name(stage, next), *found);
    if (is_asked) {
      report_.pass(step_name(stage, next),
                   replay->checked() + (options_.bounds.relative > 0 ? "; " + replay->differences() : ""));
    }
    const auto checkpoint = checkpoints.find(next);
    if (is_whole && checkpoint != checkpoints.end()) compare_checkpoint(*replay, checkpoint->second);
  }
}

void StepVerifier::compare_checkpoint(StageReplay& replay, const Checkpoint& checkpoint) {
  const std::string what =
      "checkpoint " + CheckpointName{checkpoint.state.stage, checkpoint.state.step}.text();
  if (const Difference found = replay.compare_with(checkpoint)) return report_.fail(what, *found);
  report_.pass(what, checkpoint.state.stage_done ? "weights as the steps make them"
                                                 : "weights, moments and position as the steps make them");
}

void StepVerifier::verify_step(const StageConfig& stage, std::int64_t number) {
  walk(stage, number, false);
}

void StepVerifier::verify_stage(const StageConfig& stage) {
  if (stage.kind == StageKind::eval) return evaluate_again(stage);
  std::int64_t last = 0;
  for (const ChainEvent& event : epoch_.events) {
    if (event.event == "step" && event.text("stage") == stage.name) last = event.integer("step");
  }
  if (last > 0) walk(stage, last, true);
}

void StepVerifier::evaluate_again(const StageConfig& stage) {
  const auto is_of_stage = [&](const ChainEvent& event) {
    return event.event == "eval" && event.text("stage") == stage.name;
  };
  if (std::ranges::none_of(epoch_.events, is_of_stage)) return;
  const auto decoder = weights_before(stage);
  const auto engine = make_engine(run_.recipe.model, *decoder, run_.world);
  for (const auto& [task, result] : evaluate_stage(run_, stage, *engine)) {
    const ChainEvent again = eval_event(stage, task, result);
    const auto logged = std::ranges::find_if(epoch_.events, [&](const ChainEvent& known) {
      return is_of_stage(known) && known.text("task") == task;
    });
    if (logged == epoch_.events.end()) {
      report_.fail(stage.name, "the chain has no evaluation of task " + task);
    } else if (*logged == again || options_.bounds.relative > 0) {
      report_.pass(stage.name, task + ", " + std::to_string(result.n) + " problems");
    } else {
      report_.fail(stage.name, "the evaluation of task " + task + " comes out as " +
                                   fixed(result.pass_at_1, 6) + " and " + fixed(result.mean_tokens, 3) +
                                   " tokens, the chain has other numbers");
    }
  }
}

}  // namespace reckon
