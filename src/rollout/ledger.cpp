#include "reckon/rollout/ledger.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace reckon {

RolloutLedger::RolloutLedger(const LedgerConfig& config, const LedgerState& from)
    : config_(config), state_(from), again_(from.pending.begin(), from.pending.end()) {
  taken_ = state_.next_group - static_cast<std::int64_t>(state_.pending.size()) - state_.dropped;
}

void RolloutLedger::weights_published(std::int64_t step) {
  published_ = std::max(published_, step);
}

std::int64_t RolloutLedger::step_of(std::int64_t group) const {
  return group / config_.prompts_per_step + 1;
}

std::int64_t RolloutLedger::weights_of(std::int64_t step) const {
  return std::max<std::int64_t>(0, step - 1 - config_.schedule.max_staleness);
}

std::int64_t RolloutLedger::next() const {
  return again_.empty() ? state_.next_group : again_.front();
}

bool RolloutLedger::may_issue(std::int64_t group) const {
  const std::int64_t needed = config_.steps * config_.prompts_per_step;
  if (config_.schedule.admission == Admission::in_order)
    return group < needed && weights_of(step_of(group)) <= published_;
  const std::int64_t extra =
      std::llround(std::ceil(config_.schedule.over_issue * static_cast<double>(config_.prompts_per_step)));
  const std::int64_t alive = taken_ + num_outstanding() + num_waiting();
  const std::int64_t ahead =
      (state_.steps_done + 1 + config_.schedule.max_staleness) * config_.prompts_per_step;
  return published_ >= 0 && alive < std::min(ahead, needed) + extra && taken_ < needed;
}

std::optional<LedgerIssue> RolloutLedger::issue(int worker, std::int64_t at_most) {
  LedgerIssue issue;
  while (static_cast<std::int64_t>(issue.groups.size()) < at_most && may_issue(next())) {
    const std::int64_t group = next();
    if (config_.schedule.admission == Admission::in_order) {
      const std::int64_t weights = weights_of(step_of(group));
      if (!issue.groups.empty() && weights != issue.weights)
        break;  // a worker has one set of weights at a time
      issue.weights = weights;
    }
    if (again_.empty()) {
      ++state_.next_group;
    } else {
      again_.pop_front();
    }
    owner_[group] = worker;
    issue.groups.push_back(group);
  }
  if (issue.groups.empty()) return std::nullopt;
  return issue;
}

void RolloutLedger::release(int worker, std::int64_t group) {
  const auto found = owner_.find(group);
  if (found == owner_.end() || found->second != worker) {
    throw std::invalid_argument("RolloutLedger: group " + std::to_string(group) + " is not one that worker " +
                                std::to_string(worker) + " was given");
  }
  owner_.erase(found);
}

void RolloutLedger::complete(int worker, std::int64_t group, std::int64_t oldest_weights) {
  release(worker, group);
  waiting_.push_back({group, oldest_weights});
}

void RolloutLedger::drop(int worker, std::int64_t group) {
  release(worker, group);
  dropped_.push_back(group);
  ++state_.dropped;
}

std::optional<std::vector<std::int64_t>> RolloutLedger::take(std::int64_t step) {
  const auto wanted = static_cast<std::size_t>(config_.prompts_per_step);
  if (config_.schedule.admission == Admission::in_order) {
    // Complete groups may be of later steps: those of this one are counted.
    std::ranges::sort(waiting_, {}, &Waiting::group);
    const std::int64_t first = (step - 1) * config_.prompts_per_step;
    if (waiting_.size() < wanted || waiting_[wanted - 1].group != first + config_.prompts_per_step - 1)
      return std::nullopt;
  } else {
    const std::int64_t oldest = step - 1 - config_.schedule.max_staleness;
    std::erase_if(waiting_, [&](const Waiting& entry) {
      if (entry.oldest_weights >= oldest) return false;
      dropped_.push_back(entry.group);
      ++state_.dropped;
      return true;
    });
    if (waiting_.size() < wanted) return std::nullopt;
  }
  std::vector<std::int64_t> groups;
  for (std::size_t i = 0; i < wanted; ++i) groups.push_back(waiting_[i].group);
  waiting_.erase(waiting_.begin(), waiting_.begin() + config_.prompts_per_step);
  taken_ += config_.prompts_per_step;
  state_.steps_done = step;
  return groups;
}

std::vector<std::int64_t> RolloutLedger::take_dropped() {
  return std::exchange(dropped_, {});
}

std::vector<std::int64_t> RolloutLedger::outstanding(int worker) const {
  std::vector<std::int64_t> groups;
  for (const auto& [group, owner] : owner_) {
    if (owner == worker) groups.push_back(group);
  }
  return groups;
}

LedgerState RolloutLedger::state() const {
  LedgerState state = state_;
  state.pending.assign(again_.begin(), again_.end());
  for (const auto& [group, owner] : owner_) state.pending.push_back(group);
  for (const Waiting& entry : waiting_) state.pending.push_back(entry.group);
  std::ranges::sort(state.pending);
  return state;
}

void RolloutLedger::check_books() const {
  const LedgerState now = state();
  const auto pending = static_cast<std::int64_t>(now.pending.size());
  const bool is_once = std::ranges::adjacent_find(now.pending) == now.pending.end();
  const bool is_drawn = now.pending.empty() || now.pending.back() < now.next_group;
  if (is_once && is_drawn && taken_ + now.dropped + pending == now.next_group) return;
  throw std::logic_error("RolloutLedger: of " + std::to_string(now.next_group) + " prompts " +
                         std::to_string(taken_) + " were trained on, " + std::to_string(now.dropped) +
                         " dropped and " + std::to_string(pending) +
                         " are pending (need each prompt in one of these)");
}

}  // namespace reckon
