#include "steps.h"

#include <algorithm>
#include <map>
#include <set>

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

StepVerifier::StepVerifier(TrainRun& run, StepOptions options, VerifyReport& report)
    : run_(run), options_(options), report_(report), chain_(read_chain(run.folder / kChainFile)) {
  // Other machines and numbers of ranks give other bits only where the rule says so: on GPUs, and where the
  // operations themselves give others.
  const std::string fingerprint = chain_.empty() ? "" : chain_.front().event.text("fingerprint");
  const bool is_same = fingerprint == run.fingerprint;
  if (is_same && run.recipe.model.device == Device::cpu) {
    options_.bounds = {.logprob = 0, .relative = 0};
    return;
  }
  report_.note("numerics", (is_same ? std::string("a GPU")
                                    : "this machine's fingerprint is " + run.fingerprint.substr(0, 12) +
                                          ", the run's " + fingerprint.substr(0, 12)) +
                               ": log-probs may differ by " + fixed(options_.bounds.logprob, 4) +
                               ", loss and gradient norm by " + fixed(100 * options_.bounds.relative, 1) +
                               " %, weights are not compared");
}

std::int64_t StepVerifier::steps_of(const std::string& stage) const {
  return std::ranges::count_if(chain_, [&](const ChainLine& line) {
    return line.event.event == "step" && line.event.text("stage") == stage;
  });
}

std::unique_ptr<Decoder> StepVerifier::weights_before(const StageConfig& stage) const {
  auto decoder = copy_of(*run_.weights.at("model"));
  if (stage.from == "model") return decoder;
  load_weights(final_checkpoint(run_, stage.from), *decoder);
  decoder->repack();
  return decoder;
}

void StepVerifier::walk(const StageConfig& stage, std::int64_t number, bool from_start) {
  StepEvents events;
  for (const ChainLine& line : chain_) {
    if (line.event.event == "step" && line.event.text("stage") == stage.name)
      events[line.event.integer("step")] = &line.event;
  }
  const auto checkpoints = stage_checkpoints(run_, stage.name, report_);
  const auto decoder = weights_before(stage);
  const auto engine = make_engine(run_.recipe.model, *decoder, run_.world);
  const auto replay = make_replay(run_, stage, *engine, options_);
  const std::map<std::int64_t, std::int64_t> rollbacks = rollbacks_before(events, number);
  std::set<std::int64_t> targets;
  for (const auto& [step, target] : rollbacks) targets.insert(target);
  replay->remember(targets);
  for (auto it = checkpoints.rbegin(); !from_start && it != checkpoints.rend(); ++it) {
    if (it->first >= number || it->second.state.stage_done) continue;
    // What a guard went back to after the checkpoint must come after it as well.
    const bool reaches_back = std::any_of(rollbacks.upper_bound(it->first), rollbacks.end(),
                                          [&](const auto& entry) { return entry.second < it->first; });
    if (reaches_back) continue;
    replay->restore(it->second);
    report_.note(step_name(stage, number), "from the checkpoint at step " + std::to_string(it->first));
    break;
  }
  while (replay->done() < number) {
    const std::int64_t next = replay->done() + 1;
    const bool is_asked = from_start || next == number;
    if (!events.contains(next)) return report_.fail(step_name(stage, next), "the chain has no such step");
    if (const Difference found = replay->step(*events.at(next), is_asked))
      return report_.fail(step_name(stage, next), *found);
    if (is_asked) {
      report_.pass(step_name(stage, next),
                   replay->checked() + (options_.bounds.relative > 0 ? "; " + replay->differences() : ""));
    }
    const auto checkpoint = checkpoints.find(next);
    if (!from_start || checkpoint == checkpoints.end()) continue;
    const std::string name = CheckpointName{stage.name, next}.text();
    if (const Difference found = replay->compare_with(checkpoint->second)) {
      report_.fail("checkpoint " + name, *found);
    } else {
      report_.pass("checkpoint " + name, checkpoint->second.state.stage_done
                                             ? "weights as the steps make them"
                                             : "weights, moments and position as the steps make them");
    }
  }
}

void StepVerifier::verify_step(const StageConfig& stage, std::int64_t number) {
  walk(stage, number, false);
}

void StepVerifier::verify_stage(const StageConfig& stage) {
  if (stage.kind == StageKind::eval) return evaluate_again(stage);
  walk(stage, steps_of(stage.name), true);
}

void StepVerifier::evaluate_again(const StageConfig& stage) {
  const bool was_run = std::ranges::any_of(chain_, [&](const ChainLine& line) {
    return line.event.event == "eval" && line.event.text("stage") == stage.name;
  });
  if (!was_run) return report_.note(stage.name, "the run has not come to it");
  const auto decoder = weights_before(stage);
  const auto engine = make_engine(run_.recipe.model, *decoder, run_.world);
  for (const auto& [task, result] : evaluate_stage(run_, stage, *engine)) {
    const ChainEvent again = eval_event(stage, task, result);
    const auto line = std::ranges::find_if(chain_, [&](const ChainLine& known) {
      return known.event.event == "eval" && known.event.text("stage") == stage.name &&
             known.event.text("task") == task;
    });
    if (line == chain_.end()) {
      report_.fail(stage.name, "the chain has no evaluation of task " + task);
    } else if (line->event == again || options_.bounds.relative > 0) {
      report_.pass(stage.name, task + ", " + std::to_string(result.n) + " problems");
    } else {
      report_.fail(stage.name, "the evaluation of task " + task + " comes out as " +
                                   fixed(result.pass_at_1, 6) + " and " + fixed(result.mean_tokens, 3) +
                                   " tokens, the chain has other numbers");
    }
  }
}

}  // namespace reckon
