#include "guards.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "reckon/base/error.h"
#include "reckon/text/json.h"

namespace reckon {
namespace {

/// Skipped updates in a row that end a run: the norm has changed for good, and nothing would be learned any
/// more.
constexpr std::int64_t kMostSkips = 10;
/// Rollbacks in a row, without an applied step between them, of which the last is a stop instead.
constexpr std::int64_t kMostRollbacks = 3;
/// A best accuracy below this is chance: losing half of it means nothing.
constexpr double kLeastBest = 0.05;

constexpr std::array kAlarmNames{"spike", "collapse", "zero_variance", "logprob_diff"};

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

void push(std::deque<double>& window, double value, std::int64_t size) {
  window.push_back(value);
  while (window.size() > static_cast<std::size_t>(size)) window.pop_front();
}

double mean(const std::deque<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

UpdateGate RunGuards::gate() {
  return [this](const UpdateStats& stats) { return decide(stats.grad_norm); };
}

UpdateDecision RunGuards::decide(double grad_norm) {
  // The step is void: its other updates would be undone.
  if (pending_.action >= GuardAction::rollback) return UpdateDecision::skip;
  const std::optional<double> usual = usual_norm();
  if (usual && grad_norm > config_.spike_factor * *usual) {
    refuse_update(grad_norm, *usual);
    return UpdateDecision::skip;
  }
  // Where every group has equal rewards there is no gradient, and its norm of 0 says nothing of what is
  // usual.
  if (grad_norm > 0) push(norms_, grad_norm, config_.spike_window);
  skips_in_a_row_ = 0;
  has_applied_ = true;
  return UpdateDecision::apply;
}

/// None where spikes are not looked for, or there are too few norms yet.
std::optional<double> RunGuards::usual_norm() const {
  if (config_.spike_factor == 0 || norms_.size() < static_cast<std::size_t>(config_.spike_window)) return {};
  std::vector<double> sorted(norms_.begin(), norms_.end());
  std::sort(sorted.begin(), sorted.end());
  const std::size_t half = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

void RunGuards::refuse_update(double grad_norm, double usual) {
  std::string message = "gradient norm " + short_number(grad_norm) + " is " +
                        short_number(grad_norm / usual) + " times the usual " + short_number(usual) +
                        ", the median of " + std::to_string(norms_.size()) +
                        " updates (guard.spike_factor is " + short_number(config_.spike_factor) + "). ";
  GuardAction action = GuardAction::stop;
  if (config_.spike_action == SpikeAction::skip) {
    ++skipped_updates_;
    if (++skips_in_a_row_ < kMostSkips) {
      action = GuardAction::skip;
      message += "The update is skipped.";
    } else {
      message += std::to_string(kMostSkips) + " updates in a row were skipped: ";
    }
  } else if (config_.spike_action == SpikeAction::rollback) {
    if (rollbacks_in_a_row_ + 1 < kMostRollbacks) {
      action = GuardAction::rollback;
      ++rollbacks_in_a_row_;
      ++rollbacks_;
      message += "Back to the last checkpoint; the data goes on.";
    } else {
      message += "The run was at the last checkpoint " + std::to_string(rollbacks_in_a_row_) +
                 " times without an update between: ";
    }
  }
  if (action == GuardAction::stop) {
    message += "The update was not applied. A lower learning_rate or a higher guard.spike_factor may help.";
  }
  pending_ = {action, std::move(message)};
}

GuardVerdict RunGuards::end_step(std::int64_t step, const std::optional<StepSignal>& signal) {
  GuardVerdict verdict = std::exchange(pending_, {});
  if (std::exchange(has_applied_, false) && verdict.action < GuardAction::rollback) rollbacks_in_a_row_ = 0;
  watch(kSpike, step, verdict.action != GuardAction::none, verdict.message);
  if (!signal) return verdict;
  const auto stop_on = [&](AlarmAction action, bool is_on, const std::string& message) {
    if (is_on && action == AlarmAction::stop && verdict.action != GuardAction::stop)
      verdict = {GuardAction::stop, message};
  };
  std::string message;
  stop_on(config_.on_collapse, watch_collapse(step, signal->accuracy, message), message);
  stop_on(config_.on_zero_variance, watch_zero_variance(step, *signal, message), message);
  const double limit = config_.logprob_diff;
  watch(kLogprobDiff, step, limit > 0 && !(signal->max_logprob_diff <= limit),  // a NaN is an alarm
        "sampler and learner differ by " + short_number(signal->max_logprob_diff) +
            " in the log-probability of a token (guard.logprob_diff is " + short_number(limit) +
            "). Have they the same weights and numerics?");
  return verdict;
}

/// Notes that an alarm begins, goes on or ends. \param message  of its beginning
void RunGuards::watch(AlarmName name, std::int64_t step, bool is_on, const std::string& message) {
  Alarm& alarm = alarms_[name];
  if (is_on == (alarm.since != 0)) return;
  const std::string label = std::string("alarm ") + kAlarmNames[name];
  if (is_on) {
    alarm = {step, alarm.count + 1};
    news_.push_back(label + ": " + message);
  } else {
    news_.push_back(label + " is over; it began in step " + std::to_string(alarm.since));
    alarm.since = 0;
  }
}

bool RunGuards::watch_collapse(std::int64_t step, double accuracy, std::string& message) {
  push(accuracies_, accuracy, config_.collapse_steps);
  if (accuracies_.size() < static_cast<std::size_t>(config_.collapse_steps)) return false;
  const double now = mean(accuracies_);
  best_accuracy_ = std::max(best_accuracy_, now);
  const bool is_on = best_accuracy_ >= kLeastBest && now < config_.collapse_fraction * best_accuracy_;
  message = "accuracy of the last " + std::to_string(accuracies_.size()) + " steps is " + short_number(now) +
            ", that of the best " + short_number(best_accuracy_) + " (guard.collapse_fraction is " +
            short_number(config_.collapse_fraction) +
            "). An earlier checkpoint is better; a lower learning_rate or a kl_coef above 0 may help.";
  watch(kCollapse, step, is_on, message);
  return is_on;
}

bool RunGuards::watch_zero_variance(std::int64_t step, const StepSignal& signal, std::string& message) {
  if (config_.zero_variance_steps == 0) return false;
  const double share = signal.zero_variance_share;
  if (share >= config_.zero_variance_share) {
    zero_variance_least_ = zero_variance_streak_ == 0 ? share : std::min(zero_variance_least_, share);
    ++zero_variance_streak_;
  } else {
    zero_variance_streak_ = 0;
  }
  const bool is_on = zero_variance_streak_ >= config_.zero_variance_steps;
  const std::string steps = " of the last " + std::to_string(zero_variance_streak_) + " steps";
  message = zero_variance_least_ == 1
                ? "every group" + steps + " has equal rewards: nothing is learned"
                : short_number(100 * zero_variance_least_) + " % of the groups" + steps +
                      ", or more, have equal rewards: hardly anything is learned";
  message += " (accuracy " + short_number(signal.accuracy) + "). ";
  message += signal.accuracy > 0.5 ? "Are the problems too easy (levels of the tasks)?"
                                   : "Are the problems too hard (levels of the tasks), or does the answer's "
                                     "form never match (no_answer)?";
  watch(kZeroVariance, step, is_on, message);
  return is_on;
}

std::vector<std::string> RunGuards::take_news() {
  return std::exchange(news_, {});
}

std::string RunGuards::alarms() const {
  std::string names;
  for (std::size_t i = 0; i < alarms_.size(); ++i) {
    if (alarms_[i].since != 0) names += (names.empty() ? "" : ", ") + std::string(kAlarmNames[i]);
  }
  return names;
}

ExtraNumbers RunGuards::counts() const {
  ExtraNumbers counts;
  const auto add = [&](const std::string& name, std::int64_t count) {
    if (count != 0) counts.emplace_back(name, static_cast<double>(count));
  };
  add("skipped_updates", skipped_updates_);
  add("rollbacks", rollbacks_);
  for (std::size_t i = 0; i < alarms_.size(); ++i)
    add(std::string("alarms_") + kAlarmNames[i], alarms_[i].count);
  return counts;
}

std::string RunGuards::state() const {
  nlohmann::ordered_json state = {{"norms", norms_},
                                  {"accuracies", accuracies_},
                                  {"best_accuracy", best_accuracy_},
                                  {"zero_variance_streak", zero_variance_streak_},
                                  {"zero_variance_least", zero_variance_least_},
                                  {"skips_in_a_row", skips_in_a_row_},
                                  {"rollbacks_in_a_row", rollbacks_in_a_row_},
                                  {"skipped_updates", skipped_updates_},
                                  {"rollbacks", rollbacks_}};
  for (std::size_t i = 0; i < alarms_.size(); ++i) {
    state["alarms"][kAlarmNames[i]] = {{"since", alarms_[i].since}, {"count", alarms_[i].count}};
  }
  return state.dump();
}

void RunGuards::restore(const std::string& text) {
  const nlohmann::json state = parse_json(text, "guards");
  RunGuards read(config_);
  try {
    state.at("norms").get_to(read.norms_);
    state.at("accuracies").get_to(read.accuracies_);
    state.at("best_accuracy").get_to(read.best_accuracy_);
    state.at("zero_variance_streak").get_to(read.zero_variance_streak_);
    state.at("zero_variance_least").get_to(read.zero_variance_least_);
    state.at("skips_in_a_row").get_to(read.skips_in_a_row_);
    state.at("rollbacks_in_a_row").get_to(read.rollbacks_in_a_row_);
    state.at("skipped_updates").get_to(read.skipped_updates_);
    state.at("rollbacks").get_to(read.rollbacks_);
    for (std::size_t i = 0; i < alarms_.size(); ++i) {
      const nlohmann::json& alarm = state.at("alarms").at(kAlarmNames[i]);
      alarm.at("since").get_to(read.alarms_[i].since);
      alarm.at("count").get_to(read.alarms_[i].count);
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ExitCode::bad_data, std::string("guards: the state is not one of guards: ") + error.what());
  }
  const auto cut = [](std::deque<double>& window, std::int64_t size) {
    while (window.size() > static_cast<std::size_t>(size)) window.pop_front();
  };
  cut(read.norms_, config_.spike_window);
  cut(read.accuracies_, config_.collapse_steps);
  *this = std::move(read);
}

}  // namespace reckon
