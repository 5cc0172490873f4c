#include "replay.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <span>

#include "app/train/checkpoints.h"
#include "app/train/ledger.h"
#include "app/train/rollout_source.h"
#include "reckon/base/error.h"
#include "reckon/record/batch_hash.h"

namespace reckon {
namespace {

std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/// A number of the chain, or not a number where it has none.
double number_in(const ChainEvent& event, const char* name) {
  const ChainEvent::Value* value = event.find(name);
  if (value == nullptr) return std::nan("");
  if (const auto* integer = std::get_if<std::int64_t>(value)) return static_cast<double>(*integer);
  const auto* number = std::get_if<double>(value);
  return number == nullptr ? std::nan("") : *number;
}

/// How far a number is from the chain's, as a share of it. A loss may be near 0: it is measured against 1 nat
/// at least.
double share_of_difference(double again, double logged, double least) {
  return again == logged ? 0 : std::abs(again - logged) / std::max(std::abs(logged), least);
}

Difference compare_number(const char* name, double again, double logged, double difference, double bound) {
  if (difference <= bound) return {};
  return std::string(name) + " comes out as " + number_text(again) + ", the chain says " +
         number_text(logged);
}

Difference compare_text_value(const char* name, const std::string& again, const ChainEvent& event) {
  if (again == event.text(name)) return {};
  return std::string(name) + " comes out as " + again + ", the chain says " + event.text(name);
}

class SftReplay : public StageReplay {
 public:
  SftReplay(TrainRun& run, const StageConfig& stage, Engine& engine, const StepOptions& options)
      : StageReplay(run, stage, engine, options), sft_(run, stage, engine) {}

  [[nodiscard]] Difference step(const ChainEvent& event, bool) override {
    const SftStep step = sft_.draw(done_ + 1);
    if (auto found = compare_text_value("examples", examples_sha256(step), event)) return found;
    const UpdateStats stats = sft_.update(step, guards_.gate());
    static_cast<void>(guards_.end_step(step.number));
    checked_ = std::to_string(step.examples.size()) + " examples";
    return end_step(event, stats.loss, stats.grad_norm);
  }

 protected:
  [[nodiscard]] Learner& learner() override { return sft_.learner(); }
  [[nodiscard]] std::optional<StreamCursor> cursor() override { return sft_.stream().cursor(); }
  void move_to(const Checkpoint& checkpoint) override { sft_.stream().move_to(checkpoint.state.cursor); }

 private:
  SftStage sft_;
};

class GrpoReplay : public StageReplay {
 public:
  GrpoReplay(TrainRun& run, const StageConfig& stage, Engine& engine, const StepOptions& options)
      : StageReplay(run, stage, engine, options),
        grpo_(run, stage, engine),
        log_(run.folder / "rollouts" / stage.name, StageLog::LiveSegments::read, StageLog::Access::guarded) {
    grpo_.remember_past();
    remember_weights();
  }

  [[nodiscard]] Difference step(const ChainEvent& event, bool details) override {
    const StageStep logged = log_.read(static_cast<std::uint64_t>(done_ + 1));
    GrpoStep step = draw(logged);
    if (auto found = take_completions(step, logged)) return found;
    if (auto found = details ? compare_details(step, logged) : std::nullopt) return found;
    if (auto found = compare_text_value("rollouts", rollouts_sha256(all_group_hashes(run_, step)), event))
      return found;
    grpo_.exchange(step);
    const GrpoStats stats = grpo_.update(step, guards_.gate());
    static_cast<void>(guards_.end_step(step.number, signal_of(step, stats)));
    auto found = end_step(event, stats.sums.loss, stats.sums.grad_norm);
    remember_weights();
    return found;
  }

 protected:
  [[nodiscard]] Learner& learner() override { return grpo_.learner(); }
  [[nodiscard]] std::optional<StreamCursor> cursor() override {
    if (stage_.schedule.admission == Admission::as_completed) return {};
    return grpo_.prompts().cursor(grpo_.first_group_after(done_));
  }
  void move_to(const Checkpoint& checkpoint) override {
    restore_prompts(stage_, checkpoint.state, grpo_);
    grpo_.restore_past(load_past(checkpoint, engine_.decoder().parameters().size()));
  }

 private:
  /// The prompts of the step; where groups are not admitted in order, the log has the order.
  GrpoStep draw(const StageStep& logged) {
    if (stage_.schedule.admission == Admission::in_order) return grpo_.draw(done_ + 1);
    std::vector<std::int64_t> numbers;
    for (const Group& group : logged.groups) numbers.push_back(static_cast<std::int64_t>(group.group_id));
    return grpo_.draw(done_ + 1, numbers);
  }

  /// Where later steps are sampled by them.
  void remember_weights() {
    if (stage_.schedule.max_staleness > 0) grpo_.weights_made(done_, agreed_sha256(run_, engine_));
  }

  /// The log's completions under this step's own prompts, which must be the log's.
  Difference take_completions(GrpoStep& step, const StageStep& logged) {
    std::size_t completions = 0, tokens = 0;
    if (logged.groups.size() != step.batch.groups.size())
      return "the log has " + std::to_string(logged.groups.size()) + " groups (need " +
             std::to_string(step.batch.groups.size()) + ")";
    for (std::size_t g = 0; g < logged.groups.size(); ++g) {
      Group& group = step.batch.groups[g];
      if (auto found = compare_prompts(group, logged.groups[g])) return found;
      group.completions = logged.groups[g].completions;
      group.admission = logged.groups[g].admission;
      completions += group.completions.size();
      for (const Completion& completion : group.completions) tokens += completion.token_ids.size();
    }
    checked_ = std::to_string(completions) + " completions, " + std::to_string(tokens) + " tokens";
    return {};
  }

  /// Completions, their log-probs under the weights, rewards and advantages, in this order.
  Difference compare_details(GrpoStep& step, const StageStep& logged) {
    if (options_.sample) {
      grpo_.sample_again(step);
    } else {
      if (auto found = compare_learner_logprobs(step)) return found;
      grpo_.grade(step);
      if (stage_.schedule.max_staleness == 0) set_versions(step);
    }
    grpo_.assign(step);
    for (std::size_t g = 0; g < logged.groups.size(); ++g) {
      const auto& again = step.batch.groups[g].completions;
      const auto& was = logged.groups[g].completions;
      if (again.size() != was.size())
        return "group " + std::to_string(logged.groups[g].group_id) + ": the log has " +
               std::to_string(was.size()) + " completions (need " + std::to_string(again.size()) + ")";
      for (std::size_t i = 0; i < was.size(); ++i) {
        if (auto found = compare_completion(again[i], was[i])) return found;
      }
    }
    return {};
  }

  /// Sampling and learning took turns: all tokens are of the weights that the step begins with.
  void set_versions(GrpoStep& step) {
    for (Group& group : step.batch.groups) {
      for (Completion& completion : group.completions) {
        completion.policy_version = static_cast<std::uint64_t>(grpo_.learner().updates());
        completion.versions.clear();
      }
    }
  }

  Difference compare_completion(const Completion& again, const Completion& logged) {
    if (options_.sample) note_logprobs(again.sampler_logprob, logged);
    if (auto found = compare_tokens(again, logged, options_.bounds.logprob)) return found;
    if (auto found = compare_text(logged, run_.tokenizer())) return found;
    if (auto found = compare_reward(again, logged, reward_term_names(stage_.reward))) return found;
    return compare_advantage(again, logged);
  }

  void note_logprobs(std::span<const float> again, const Completion& logged) {
    for (std::size_t i = 0; i < std::min(again.size(), logged.sampler_logprob.size()); ++i) {
      const double difference =
          std::abs(static_cast<double>(again[i]) - static_cast<double>(logged.sampler_logprob[i]));
      logprob_difference_ = std::max(logprob_difference_, difference);
    }
  }

  Difference compare_learner_logprobs(const GrpoStep& step) {
    const std::vector<float> logprobs = grpo_.sampler_logprobs(step);
    std::size_t begin = 0;
    for (const Group& group : step.batch.groups) {
      for (const Completion& completion : group.completions) {
        const auto mine = std::span(logprobs).subspan(begin, completion.token_ids.size());
        note_logprobs(mine, completion);
        if (auto found = compare_logprobs(mine, completion, options_.bounds.logprob)) return found;
        begin += completion.token_ids.size();
      }
    }
    return {};
  }

  GrpoStage grpo_;
  StageLog log_;
};

}  // namespace

StageReplay::StageReplay(TrainRun& run, const StageConfig& stage, Engine& engine, const StepOptions& options)
    : run_(run), stage_(stage), engine_(engine), options_(options), guards_(run.recipe.guard) {}

void StageReplay::restore(const Checkpoint& checkpoint) {
  restore_stage(checkpoint, engine_, learner());
  move_to(checkpoint);
  guards_.restore(checkpoint.state.guards);
  done_ = checkpoint.state.step;
  remember_if_needed();
}

void StageReplay::remember_if_needed() {
  if (!remembered_steps_.contains(done_)) return;
  engine_.fetch_weights();
  const std::span<const float> weights = engine_.decoder().parameters();
  const std::size_t size = weights.size();
  Remembered now{.weights = {weights.begin(), weights.end()},
                 .moments = {std::vector<float>(size), std::vector<float>(size)},
                 .updates = learner().updates()};
  learner().copy_moments({0, static_cast<std::int64_t>(size)}, now.moments.first, now.moments.second);
  remembered_[done_] = std::move(now);
}

void StageReplay::go_back_to(std::int64_t step) {
  const Remembered& then = remembered_.at(step);
  std::ranges::copy(then.weights, engine_.decoder().parameters().begin());
  engine_.store_weights();
  learner().restore(then.updates, then.moments.first, then.moments.second);
}

Difference StageReplay::end_step(const ChainEvent& event, double loss, double grad_norm) {
  if (event.find("rolled_back_to") != nullptr) go_back_to(event.integer("rolled_back_to"));
  ++done_;
  remember_if_needed();
  const double relative = options_.bounds.relative;
  const double logged_loss = number_in(event, "loss");
  const double logged_norm = number_in(event, "grad_norm");
  const double loss_share = share_of_difference(loss, logged_loss, 1.0);
  const double norm_share = share_of_difference(grad_norm, logged_norm, 0.0);
  loss_difference_ = std::max(loss_difference_, loss_share);
  norm_difference_ = std::max(norm_difference_, norm_share);
  if (auto found = compare_number("loss", loss, logged_loss, loss_share, relative)) return found;
  if (auto found = compare_number("grad_norm", grad_norm, logged_norm, norm_share, relative)) return found;
  if (relative > 0) return {};  // other bits are to be expected
  return compare_text_value("weights_after", agreed_sha256(run_, engine_), event);
}

Difference StageReplay::compare_with(const Checkpoint& checkpoint) {
  if (options_.bounds.relative > 0) return {};
  if (auto sha256 = agreed_sha256(run_, engine_); sha256 != checkpoint.state.weights_sha256)
    return "its weights are " + checkpoint.state.weights_sha256 + ", the steps make " + sha256;
  if (checkpoint.state.stage_done) return {};
  const std::size_t size = engine_.decoder().parameters().size();
  const Moments stored = load_moments(checkpoint, size);
  Moments mine{std::vector<float>(size), std::vector<float>(size)};
  learner().copy_moments({0, static_cast<std::int64_t>(size)}, mine.first, mine.second);
  if (stored.first != mine.first || stored.second != mine.second)
    return "its optimizer moments are not those that the steps make";
  if (checkpoint.state.updates != learner().updates())
    return "it counts " + std::to_string(checkpoint.state.updates) + " updates, the steps are " +
           std::to_string(learner().updates());
  if (const auto own = cursor(); own && !(checkpoint.state.cursor == *own))
    return "its stream of problems stands elsewhere than the steps leave it";
  return {};
}

std::string StageReplay::differences() const {
  char text[120];
  std::snprintf(text, sizeof text, "largest differences: log-prob %.2g, loss %.2g %%, gradient norm %.2g %%",
                logprob_difference_, 100 * loss_difference_, 100 * norm_difference_);
  return text;
}

std::unique_ptr<StageReplay> make_replay(TrainRun& run, const StageConfig& stage, Engine& engine,
                                         const StepOptions& options) {
  if (stage.kind == StageKind::sft) return std::make_unique<SftReplay>(run, stage, engine, options);
  return std::make_unique<GrpoReplay>(run, stage, engine, options);
}

}  // namespace reckon
