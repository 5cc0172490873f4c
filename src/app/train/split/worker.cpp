#include "worker.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "contact.h"
#include "group_sampler.h"
#include "messages.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/base/stop_signal.h"
#include "reckon/record/group_wire.h"
#include "weight_sync.h"

namespace reckon {
namespace {

using Kind = RolloutMessage::Kind;

class RolloutWorker {
 public:
  RolloutWorker(TrainRun& run, const StageConfig& stage, Decoder& decoder)
      : run_(run),
        stage_(stage),
        decoder_(decoder),
        learner_(run.roles.learners.front()),
        policy_(run.recipe.model, decoder),
        weights_(*run.port, decoder.parameters().size()),
        prompts_(run, stage),
        sampler_(run, stage, policy_),
        contact_(run.recipe.cluster.timeout_s) {
    if (run.resume && run.resume->checkpoint.state.stage == stage.name) {
      const TrainState& state = run.resume->checkpoint.state;
      const auto next = state.step * stage.grpo.prompts_per_step;
      const auto first_pending =
          state.pending_groups.empty() ? state.groups_drawn : state.pending_groups.front();
      prompts_.move_to(state.cursor, in_order() ? next : static_cast<std::int64_t>(first_pending));
    }
    // As many sequences as are decoded together, and one group that waits for the first to end.
    room_ = 1 + std::max<std::int64_t>(1, stage.sampling.max_batch / stage.grpo.group_size);
  }

  void run() {
    while (!ended_) {
      read_messages();
      change_weights();
      begin_groups();
      if (!sampler_.is_idle()) {
        for (GroupSampler::Done& done : sampler_.step()) send(done);
      } else if (!ended_) {
        constexpr double kIdle = 0.002;  // s
        static_cast<void>(weights_.wait(versions_, kIdle));
      }
      ask_for_more();
      keep_in_touch();
    }
    finish();
  }

 private:
  [[nodiscard]] bool in_order() const { return stage_.schedule.admission == Admission::in_order; }

  void read_messages() {
    if (weights_.poll(versions_)) contact_.heard();
    while (const auto message = run_.port->receive(Channel::control)) {
      contact_.heard();
      const RolloutMessage said = parse_rollout_message(message->bytes);
      if (said.kind == Kind::issue) {
        for (std::size_t i = 1; i < said.numbers.size(); ++i)
          issued_.push_back({said.numbers[i], said.numbers[0]});
        asked_ -= static_cast<std::int64_t>(said.numbers.size()) - 1;
      } else if (said.kind == Kind::end || said.kind == Kind::stop) {
        ended_ = true;
        last_step_ = said.numbers[0];
        if (said.kind == Kind::stop) exit_code_ = static_cast<int>(said.numbers.at(1));
      }
    }
  }

  /// Goes over to other weights where that is due: those of the next group in order, else the newest.
  void change_weights() {
    if (versions_.empty()) return;
    const std::int64_t newest = versions_.rbegin()->first;
    std::int64_t wanted = newest;
    if (in_order()) {
      if (issued_.empty() || !versions_.contains(issued_.front().weights)) return;
      wanted = issued_.front().weights;
    } else {
      for (const std::int64_t number : sampler_.give_up_before(newest - stage_.schedule.max_staleness))
        tell({.kind = Kind::dropped, .numbers = {number}});
    }
    if (wanted == policy_.step()) return;
    const bool in_flight = stage_.schedule.weight_switch == WeightSwitch::in_flight;
    if (!sampler_.is_idle() && !in_flight) return;
    policy_.use(versions_.at(wanted));
    failpoint("sync.switched");
    sampler_.weights_changed();
    weights_.forget_before(versions_, wanted);
  }

  void begin_groups() {
    while (!issued_.empty() && sampler_.num_groups() < room_ && policy_.step() >= 0) {
      const Issued next = issued_.front();
      if (in_order() ? next.weights != policy_.step() : is_waiting_for_weights()) return;
      issued_.pop_front();
      DrawnPrompt prompt = prompts_.take(next.group);
      prompts_.drop_below(next.group);
      sampler_.begin(next.group, std::move(prompt));
    }
  }

  /// What runs is completed first, by the weights that it was begun with.
  [[nodiscard]] bool is_waiting_for_weights() const {
    return !versions_.empty() && versions_.rbegin()->first > policy_.step() && !sampler_.is_idle();
  }

  void send(GroupSampler::Done& done) {
    const auto number = static_cast<std::int64_t>(done.group.group_id);
    failpoint("split.send");
    tell({.kind = Kind::group, .numbers = {done.oldest_step, number}, .bytes = group_wire(done.group)});
  }

  void ask_for_more() {
    if (ended_) return;
    const std::int64_t have = sampler_.num_groups() + static_cast<std::int64_t>(issued_.size());
    const std::int64_t more = room_ - have - asked_;
    if (more <= 0) return;
    tell({.kind = Kind::want, .numbers = {more}});
    asked_ += more;
  }

  void keep_in_touch() {
    const double timeout = run_.recipe.cluster.timeout_s;
    contact_.look();
    if (contact_.is_lost()) {
      char seconds[32];
      std::snprintf(seconds, sizeof seconds, "%.0f", timeout);
      throw Error(ExitCode::internal, stage_.name + ", rollouts: rank " + std::to_string(learner_) + " (" +
                                          run_.world.host(learner_) +
                                          ", learner) has not been heard of for " + seconds + " s");
    }
    if (contact_.must_tell()) tell({.kind = Kind::alive});
    if (const int signal = stop_signal(); signal != 0 && !std::exchange(has_told_signal_, true))
      tell({.kind = Kind::signal, .numbers = {signal}});
  }

  void tell(const RolloutMessage& message) {
    contact_.told();
    run_.port->send(learner_, Channel::groups, rollout_message(message));
  }

  /// Reads what is still on its way, takes the last weights over, and says so.
  void finish() {
    while (!versions_.contains(last_step_)) {
      constexpr double kIdle = 0.01;  // s
      static_cast<void>(weights_.wait(versions_, kIdle));
      read_messages();
      keep_in_touch();
    }
    tell({.kind = Kind::end, .numbers = {last_step_}});
    run_.port->flush();
    if (exit_code_) throw AgreedError(static_cast<ExitCode>(*exit_code_), "");
    std::ranges::copy(versions_.at(last_step_).weights, decoder_.parameters().begin());
    decoder_.repack();
  }

  struct Issued {
    std::int64_t group = 0;
    std::int64_t weights = 0;  // step of those that sample it, where admission is in order
  };

  TrainRun& run_;
  const StageConfig& stage_;
  Decoder& decoder_;
  int learner_;
  SamplingPolicy policy_;
  WeightReceiver weights_;
  PolicyVersions versions_;  // that have come, from the one in use on
  PromptBook prompts_;
  GroupSampler sampler_;
  std::deque<Issued> issued_;
  std::int64_t room_ = 1;   // groups to have at once
  std::int64_t asked_ = 0;  // that were asked for and have not come
  Contact contact_;         // with the learner
  bool has_told_signal_ = false;
  bool ended_ = false;
  std::int64_t last_step_ = 0;  // of the weights that the stage ended with
  std::optional<int> exit_code_;
};

}  // namespace

StageOutcome run_rollout_worker(TrainRun& run, const StageConfig& stage, Decoder& decoder) {
  RolloutWorker(run, stage, decoder).run();
  return {.steps = stage.steps, .closing = "", .weights_sha256 = decoder.sha256()};
}

}  // namespace reckon
