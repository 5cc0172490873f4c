#include "coordinator.h"

#include <algorithm>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/base/failpoint.h"

namespace reckon {
namespace {

using Kind = RolloutMessage::Kind;

/// The thread looks after its duties at least so often. s
constexpr double kTick = 0.1;

std::string numbers_text(const std::vector<std::int64_t>& numbers) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(numbers.size(), kShown); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(numbers[i]);
  return text + (numbers.size() > kShown ? ", ..." : "");
}

}  // namespace

RolloutCoordinator::RolloutCoordinator(MessagePort& port, CoordinatorConfig config)
    : port_(port), config_(std::move(config)), ledger_(config_.ledger, config_.from) {
  // Half of an equal share at a time: few messages, and the last ones to finish have little left.
  const auto parts = static_cast<std::int64_t>(2 * config_.workers.size());
  chunk_ = (config_.ledger.prompts_per_step + parts - 1) / parts;
  for (const int worker : config_.workers) contacts_.emplace(worker, config_.timeout_s);
  thread_ = std::thread([this] { work(); });
}

RolloutCoordinator::~RolloutCoordinator() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  port_.wake(Channel::groups);
  if (thread_.joinable()) thread_.join();
}

void RolloutCoordinator::work() {
  try {
    for (;;) {
      std::optional<Message> message = port_.wait_for(Channel::groups, kTick);
      const std::lock_guard lock(mutex_);
      if (ending_) return;
      for (; message; message = port_.receive(Channel::groups)) handle(*message);
      hand_out();
      keep_in_touch();
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    changed_.notify_all();
  }
}

void RolloutCoordinator::handle(const Message& message) {
  contacts_.at(message.from).heard();
  RolloutMessage said = parse_rollout_message(message.bytes);
  switch (said.kind) {
    case Kind::want:
      if (num_ended_ == 0) wants_[message.from] += said.numbers[0];
      break;
    case Kind::group: {
      const std::int64_t group = said.numbers.at(1);
      ledger_.complete(message.from, group, said.numbers[0]);
      wires_[group] = std::move(said.bytes);
      failpoint("split.group");
      break;
    }
    case Kind::dropped:
      ledger_.drop(message.from, said.numbers[0]);
      break;
    case Kind::end:
      ++num_ended_;
      break;
    case Kind::signal:
      signal_ = static_cast<int>(said.numbers[0]);
      break;
    default:
      break;
  }
}

/// Those who have waited longest are not kept waiting by others that want more.
void RolloutCoordinator::hand_out() {
  for (bool any = true; any;) {
    any = false;
    for (auto& [worker, wanted] : wants_) {
      if (wanted <= 0) continue;
      const auto issue = ledger_.issue(worker, std::min(wanted, chunk_));
      if (!issue) return;
      wanted -= static_cast<std::int64_t>(issue->groups.size());
      std::vector<std::int64_t> numbers = {issue->weights};
      numbers.insert(numbers.end(), issue->groups.begin(), issue->groups.end());
      tell(worker, {.kind = Kind::issue, .numbers = std::move(numbers)});
      any = true;
    }
  }
}

void RolloutCoordinator::keep_in_touch() {
  for (auto& [worker, contact] : contacts_) {
    contact.look();
    if (contact.is_lost()) throw Error(ExitCode::internal, silent_text(worker));
    if (contact.must_tell()) tell(worker, {.kind = Kind::alive});
  }
}

std::string RolloutCoordinator::silent_text(int worker) const {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, "%.0f", config_.timeout_s);
  const std::vector<std::int64_t> groups = ledger_.outstanding(worker);
  return config_.stage + ", rollouts: rank " + std::to_string(worker) + " (" + config_.host(worker) +
         ", rollout worker) has not been heard of for " + seconds + " s" +
         (groups.empty() ? "" : "; it has groups " + numbers_text(groups));
}

void RolloutCoordinator::tell(int worker, const RolloutMessage& message) {
  contacts_.at(worker).told();
  port_.send(worker, Channel::control, rollout_message(message));
}

void RolloutCoordinator::weights_published(std::int64_t step) {
  {
    const std::lock_guard lock(mutex_);
    ledger_.weights_published(step);
    published_ = step;
  }
  port_.wake(Channel::groups);
}

std::optional<AdmittedGroups> RolloutCoordinator::wait_for_step(std::int64_t step, double seconds) {
  std::unique_lock lock(mutex_);
  std::optional<std::vector<std::int64_t>> numbers;
  const auto until =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  for (;;) {
    if (failure_) std::rethrow_exception(failure_);
    numbers = ledger_.take(step);
    if (numbers) break;
    if (changed_.wait_until(lock, until) == std::cv_status::timeout) return std::nullopt;
  }
  AdmittedGroups admitted{.numbers = std::move(*numbers), .wires = {}, .dropped = ledger_.take_dropped()};
  for (const std::int64_t number : admitted.numbers) admitted.wires.push_back(std::move(wires_.at(number)));
  for (const std::int64_t number : admitted.numbers) wires_.erase(number);
  for (const std::int64_t number : admitted.dropped) wires_.erase(number);
  port_.wake(Channel::groups);  // there may be room for more
  return admitted;
}

LedgerState RolloutCoordinator::state() {
  const std::lock_guard lock(mutex_);
  ledger_.check_books();
  return ledger_.state();
}

int RolloutCoordinator::stop_asked() {
  const std::lock_guard lock(mutex_);
  return signal_;
}

void RolloutCoordinator::end(std::optional<int> exit_code) {
  std::unique_lock lock(mutex_);
  if (failure_) std::rethrow_exception(failure_);
  ledger_.check_books();
  wants_.clear();
  for (const int worker : config_.workers) {
    tell(worker, exit_code ? RolloutMessage{.kind = Kind::stop, .numbers = {published_, *exit_code}}
                           : RolloutMessage{.kind = Kind::end, .numbers = {published_}});
  }
  changed_.wait(lock, [&] { return failure_ || num_ended_ == config_.workers.size(); });
  if (failure_) std::rethrow_exception(failure_);
}

}  // namespace reckon
