#include "remote_rollouts.h"

#include <utility>

#include "coordinator.h"
#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"
#include "reckon/record/group_wire.h"
#include "weight_sync.h"

namespace reckon {
namespace {

/// What the first learner tells the others of a step.
std::string admitted_bytes(const AdmittedGroups& admitted) {
  RolloutMessage message{.kind = RolloutMessage::Kind::group};
  message.numbers.push_back(static_cast<std::int64_t>(admitted.numbers.size()));
  message.numbers.insert(message.numbers.end(), admitted.numbers.begin(), admitted.numbers.end());
  for (const std::string& wire : admitted.wires) {
    message.numbers.push_back(static_cast<std::int64_t>(wire.size()));
    message.bytes += wire;
  }
  message.numbers.insert(message.numbers.end(), admitted.dropped.begin(), admitted.dropped.end());
  return rollout_message(message);
}

AdmittedGroups parse_admitted(const std::string& bytes) {
  const RolloutMessage message = parse_rollout_message(bytes);
  const auto count = static_cast<std::ptrdiff_t>(message.numbers.front());
  const auto numbers = message.numbers.begin() + 1;
  AdmittedGroups admitted{.numbers = {numbers, numbers + count},
                          .wires = {},
                          .dropped = {numbers + 2 * count, message.numbers.end()}};
  std::size_t at = 0;
  for (auto size = numbers + count; size != numbers + 2 * count; ++size) {
    admitted.wires.push_back(message.bytes.substr(at, static_cast<std::size_t>(*size)));
    at += static_cast<std::size_t>(*size);
  }
  return admitted;
}

class RemoteRollouts final : public RolloutSource {
 public:
  RemoteRollouts(TrainRun& run, const StageConfig& stage, GrpoStage& grpo, Engine& engine, std::int64_t done,
                 LedgerState from)
      : run_(run), stage_(stage), grpo_(grpo), engine_(engine) {
    if (!run.is_root()) return;
    if (stage.schedule.admission == Admission::in_order) {
      from = {.steps_done = done, .next_group = grpo.first_group_after(done), .pending = {}, .dropped = 0};
    }
    const Communicator& world = run.world;
    coordinator_ = std::make_unique<RolloutCoordinator>(
        *run.port, CoordinatorConfig{.stage = stage.name,
                                     .workers = run.roles.workers,
                                     .host = [&world](int rank) { return world.host(rank); },
                                     .timeout_s = run.recipe.cluster.timeout_s,
                                     .ledger = {.steps = stage.steps,
                                                .prompts_per_step = stage.grpo.prompts_per_step,
                                                .schedule = stage.schedule},
                                     .from = std::move(from)});
  }

  void weights_made(std::int64_t step, const std::string& sha256) override {
    grpo_.weights_made(step, sha256);
    if (!run_.is_root()) return;
    // Where the stage goes on, the next steps may be sampled by weights of earlier ones.
    for (const auto& [past_step, version] : grpo_.past()) {
      if (past_step > published_ && past_step < step) publish(version, version.weights);
    }
    publish({.step = step, .updates = grpo_.learner().updates(), .sha256 = sha256, .weights = {}},
            engine_.decoder().parameters());
  }

  [[nodiscard]] GrpoStep next(std::int64_t number) override {
    const StepTimes::Clock::time_point start = StepTimes::Clock::now();
    const AdmittedGroups admitted = admitted_groups(number);
    for (const std::int64_t dropped : admitted.dropped) grpo_.prompts().drop(dropped);
    GrpoStep step = grpo_.draw(number, admitted.numbers);
    step.times.start = start;
    step.dropped = static_cast<std::int64_t>(admitted.dropped.size());
    for (std::size_t i = 0; i < step.groups.size(); ++i) take_group(admitted.wires[i], i, step);
    step.batch.groups.assign(step.groups.begin() + step.mine.begin, step.groups.begin() + step.mine.end);
    for (Group& group : step.batch.groups) add_texts(group);
    step.times.sample = step.times.since_start();
    static_cast<void>(run_.world.waited_seconds());  // is in it
    failpoint("train.exchanged");
    return step;
  }

  [[nodiscard]] StreamCursor cursor(std::int64_t done) override {
    if (stage_.schedule.admission == Admission::in_order)
      return grpo_.prompts().cursor(grpo_.first_group_after(done));
    const LedgerState state = run_.is_root() ? coordinator_->state() : LedgerState{};
    if (!run_.is_root()) return {};  // rank 0 writes the state
    return grpo_.prompts().cursor(state.pending.empty() ? state.next_group : state.pending.front());
  }
  [[nodiscard]] LedgerState ledger() const override {
    if (stage_.schedule.admission == Admission::in_order || !run_.is_root()) return {};
    return coordinator_->state();
  }
  [[nodiscard]] int stop_asked() const override { return coordinator_ ? coordinator_->stop_asked() : 0; }
  void end(std::optional<int> exit_code) override {
    if (coordinator_) coordinator_->end(exit_code);
  }

 private:
  void publish(const PolicyVersion& version, std::span<const float> weights) {
    send_weights(*run_.port, run_.roles.workers, version, weights);
    coordinator_->weights_published(version.step);
    published_ = version.step;
  }

  /// The others wait in a collective, which has a deadline of its own: it is made again and again while the
  /// first learner waits for workers.
  [[nodiscard]] AdmittedGroups admitted_groups(std::int64_t number) {
    constexpr double kPiece = 0.1;  // before others call a rank late
    for (;;) {
      std::string bytes;
      if (run_.is_root()) {
        const auto admitted = coordinator_->wait_for_step(number, run_.recipe.cluster.timeout_s * kPiece);
        if (admitted) bytes = admitted_bytes(*admitted);
      }
      const std::string all = run_.team->all_gather(bytes).front();
      if (!all.empty()) return parse_admitted(all);
    }
  }

  void take_group(const std::string& wire, std::size_t place, GrpoStep& step) {
    Group& group = step.groups[place];
    std::string_view rest = wire;
    Group came = take_group_wire(rest);
    if (came.group_id != group.group_id || came.prompt.id != group.prompt.id || came.visit != group.visit) {
      throw Error(ExitCode::internal, stage_.name + ": group " + std::to_string(came.group_id) +
                                          " of prompt " + std::to_string(came.prompt.id) +
                                          " came in place of group " + std::to_string(group.group_id) +
                                          " of prompt " + std::to_string(group.prompt.id) +
                                          " (need the same data on all ranks)");
    }
    group.completions = std::move(came.completions);
    if (stage_.schedule.admission == Admission::as_completed)
      group.admission = static_cast<std::uint64_t>(grpo_.first_group_after(step.number - 1)) + place + 1;
    assign_advantages(group, stage_.grpo.advantage_scale);
  }

  /// Text does not travel: it follows from the tokens.
  void add_texts(Group& group) const {
    for (Completion& completion : group.completions)
      completion.text = completion_text(completion.token_ids, completion.finish_reason, run_.tokenizer());
  }

  TrainRun& run_;
  const StageConfig& stage_;
  GrpoStage& grpo_;
  Engine& engine_;
  std::unique_ptr<RolloutCoordinator> coordinator_;
  std::int64_t published_ = -1;  // step of the weights that were sent last
};

}  // namespace

std::unique_ptr<RolloutSource> make_remote_rollouts(TrainRun& run, const StageConfig& stage, GrpoStage& grpo,
                                                    Engine& engine, std::int64_t done, LedgerState from) {
  return std::make_unique<RemoteRollouts>(run, stage, grpo, engine, done, std::move(from));
}

}  // namespace reckon
