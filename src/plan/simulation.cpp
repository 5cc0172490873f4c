#include "reckon/plan/simulation.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <map>
#include <queue>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "rollout_worker.h"

namespace reckon::plan {
namespace {

void check(const JobModel& job, const Schedule& schedule, std::int64_t steps, std::int64_t warmup) {
  const auto need = [](bool good, const std::string& what) {
    if (!good) throw std::invalid_argument("simulate: " + what);
  };
  need(job.workers > 0 && job.learners > 0, "no workers or no learners (need one of each)");
  need(job.prompts_per_step > 0 && job.group_size > 0, "an empty step (need prompts and completions)");
  need(job.group_size <= job.rows_per_worker, "a group of " + std::to_string(job.group_size) +
                                                  " does not fit a worker's " +
                                                  std::to_string(job.rows_per_worker) + " rows");
  need(job.pass_s + job.row_s > 0, "a pass that takes no time");
  need(steps > warmup && warmup >= 0, "no steps to look at");
  need(schedule.split || (schedule.max_staleness == 0 && !schedule.as_completed),
       "ranks that sample and learn in turns have no staleness (need split roles)");
}

struct GroupState {
  std::int64_t worker = 0;
  std::int64_t version = 0;  // of the weights it was begun with
  std::int64_t open_rows = 0;
  double tokens = 0;
  bool trained = false;
};

struct Event {
  enum class Kind { row_ended, weights_came, update_done };
  double time = 0;
  std::uint64_t number = 0;  // in the order of making, where times are equal
  Kind kind = Kind::row_ended;
  std::int64_t worker = 0;
  std::uint64_t stamp = 0;
  std::int64_t version = 0;
  bool operator>(const Event& other) const {
    return time != other.time ? time > other.time : number > other.number;
  }
};

class Simulation {
 public:
  Simulation(const JobModel& job, const Schedule& schedule, std::uint64_t seed)
      : job_(job),
        schedule_(schedule),
        seed_(seed),
        pace_{job.pass_s, job.row_s},
        workers_(static_cast<std::size_t>(job.workers)),
        shares_(static_cast<std::size_t>(job.workers)) {
    const double begun = static_cast<double>(job.prompts_per_step) * (1 + schedule.over_issue);
    const auto share = static_cast<std::int64_t>(std::ceil(begun / static_cast<double>(job.workers)));
    most_load_ = job.rows_per_worker / job.group_size;
    if (schedule.as_completed) most_load_ = std::min(most_load_, share);
  }

  SimulationResult run(std::int64_t steps, std::int64_t warmup) {
    for (std::int64_t w = 0; w < job_.workers; ++w) set_free(w);
    issue();
    while (updates_ < steps) {
      if (events_.empty()) throw std::logic_error("simulate: nothing goes on");
      const Event event = events_.top();
      events_.pop();
      if (event.kind == Event::Kind::row_ended && event.stamp != worker(event.worker).stamp) continue;
      now_ = event.time;
      handle(event);
      issue();
      learn();
      if (event.kind == Event::Kind::update_done && updates_ == warmup) begin_window();
    }
    return result(steps - warmup);
  }

 private:
  RolloutWorker& worker(std::int64_t number) { return workers_[static_cast<std::size_t>(number)]; }

  void handle(const Event& event) {
    switch (event.kind) {
      case Event::Kind::row_ended:
        end_row(event.worker);
        break;
      case Event::Kind::weights_came:
        take_weights(event.worker, event.version);
        break;
      case Event::Kind::update_done:
        end_update();
        break;
    }
  }

  void push(double time, Event::Kind kind, std::int64_t number, std::int64_t version = 0) {
    const std::uint64_t stamp = kind == Event::Kind::row_ended ? worker(number).stamp : 0;
    events_.push({time, next_event_++, kind, number, stamp, version});
  }
  void expect_end(std::int64_t number) {
    if (worker(number).rows() > 0) push(worker(number).next_end(pace_), Event::Kind::row_ended, number);
  }

  /// A worker's load, in groups: rounded up, so that not every row that ends moves the worker.
  [[nodiscard]] std::int64_t load(std::int64_t number) const {
    return (workers_[static_cast<std::size_t>(number)].rows() + job_.group_size - 1) / job_.group_size;
  }
  // Workers with room for a group, by the version they have and then by their load.
  void set_free(std::int64_t number) {
    if (schedule_.as_completed) {
      if (load(number) < most_load_) free_[worker(number).version].insert({load(number), number});
    } else {
      issue_own(number);
    }
  }
  void set_busy(std::int64_t number) {
    const auto found = free_.find(worker(number).version);
    if (found == free_.end()) return;
    found->second.erase({load(number), number});
    if (found->second.empty()) free_.erase(found);
  }

  /// Whether the next group may be begun by weights of this version, as completed: not where it would be too
  /// old for the next update already.
  [[nodiscard]] bool may_issue(std::int64_t version) const {
    const std::int64_t next_update = updates_ + (is_learning_ ? 1 : 0);
    if (!schedule_.partial_rollouts && next_update - version > schedule_.max_staleness) return false;
    const double most = static_cast<double>(version + schedule_.max_staleness + 1) + schedule_.over_issue;
    return static_cast<double>(issued_ - dropped_) < most * static_cast<double>(job_.prompts_per_step);
  }

  void issue() {
    for (;;) {
      const std::set<std::pair<std::int64_t, std::int64_t>>* best = nullptr;
      for (const auto& [version, workers] : free_) {
        if (!may_issue(version)) continue;
        if (best == nullptr || *workers.begin() < *best->begin()) best = &workers;
      }
      if (best == nullptr) return;
      issue_to(best->begin()->second);
    }
  }

  void issue_to(std::int64_t number) {
    set_busy(number);
    begin(number, issued_, worker(number).version);
    open_.insert(issued_ - 1);
    set_free(number);
  }

  /// In order: a worker begins the groups of its share of each step, as far as it has the weights and room.
  void issue_own(std::int64_t number) {
    Share& share = shares_[static_cast<std::size_t>(number)];
    const std::int64_t first = job_.prompts_per_step * number / job_.workers;
    const std::int64_t end = job_.prompts_per_step * (number + 1) / job_.workers;
    if (first == end) return;
    while (share.step - schedule_.max_staleness <= worker(number).version && load(number) < most_load_) {
      // By exactly these weights, although newer ones may have come.
      const std::int64_t version = std::max<std::int64_t>(0, share.step - schedule_.max_staleness);
      begin(number, share.step * job_.prompts_per_step + first + share.begun, version);
      if (++share.begun < end - first) continue;
      share.begun = 0;
      ++share.step;
    }
  }

  void begin(std::int64_t number, std::int64_t group, std::int64_t version) {
    std::vector<double> lengths(static_cast<std::size_t>(job_.group_size));
    GroupState state{.worker = number, .version = version, .open_rows = job_.group_size};
    for (std::uint32_t i = 0; i < lengths.size(); ++i) {
      lengths[i] = job_.lengths.draw(seed_, static_cast<std::uint64_t>(group), i);
      state.tokens += lengths[i];
    }
    if (groups_.size() <= static_cast<std::size_t>(group))
      groups_.resize(static_cast<std::size_t>(group) + 1);
    groups_[static_cast<std::size_t>(group)] = state;
    ++issued_;
    worker(number).add(now_, pace_, group, lengths, job_.group_s);
    expect_end(number);
  }

  void end_row(std::int64_t number) {
    const bool moves = (worker(number).rows() - 1) % job_.group_size == 0;  // its load becomes another
    if (moves) set_busy(number);
    const std::int64_t group = worker(number).take_ended(now_, pace_);
    GroupState& state = groups_[static_cast<std::size_t>(group)];
    if (--state.open_rows == 0) complete(group);
    expect_end(number);
    if (moves) set_free(number);
  }

  void complete(std::int64_t group) {
    if (schedule_.as_completed) {
      open_.erase(group);
      ready_.push_back(group);
      return;
    }
    const auto step = static_cast<std::size_t>(group / job_.prompts_per_step);
    if (complete_.size() <= step) complete_.resize(step + 1);
    ++complete_[step];
  }

  void take_weights(std::int64_t number, std::int64_t version) {
    set_busy(number);
    worker(number).version = std::max(worker(number).version, version);
    set_free(number);
  }

  /// The groups of the next update; none where they are not there yet.
  std::vector<std::int64_t> admit() {
    std::vector<std::int64_t> batch;
    const std::int64_t prompts = job_.prompts_per_step;
    if (!schedule_.as_completed) {
      const auto step = static_cast<std::size_t>(updates_);
      if (step >= complete_.size() || complete_[step] < prompts) return {};
      for (std::int64_t i = 0; i < prompts; ++i) batch.push_back(updates_ * prompts + i);
      return batch;
    }
    if (!schedule_.partial_rollouts) {
      std::erase_if(ready_, [this](std::int64_t group) {
        const bool stale = updates_ - state(group).version > schedule_.max_staleness;
        dropped_ += stale ? 1 : 0;
        return stale;
      });
    }
    if (static_cast<std::int64_t>(ready_.size()) < prompts) return {};
    batch.assign(ready_.begin(), ready_.begin() + prompts);
    ready_.erase(ready_.begin(), ready_.begin() + prompts);
    return batch;
  }

  [[nodiscard]] const GroupState& state(std::int64_t group) const {
    return groups_[static_cast<std::size_t>(group)];
  }

  void learn() {
    if (is_learning_) return;
    const std::vector<std::int64_t> batch = admit();
    if (batch.empty()) return;
    update_ = {};
    for (const std::int64_t group : batch) {
      GroupState& one = groups_[static_cast<std::size_t>(group)];
      if (one.trained || one.open_rows > 0) throw std::logic_error("simulate: a group is trained wrongly");
      one.trained = true;
      const std::int64_t staleness = updates_ - one.version;
      update_.groups += 1;
      update_.tokens += one.tokens;
      update_.staleness += static_cast<double>(staleness);
      stalest_ = std::max(stalest_, staleness);
    }
    update_.seconds =
        update_.tokens * job_.update_token_s / static_cast<double>(job_.learners) + job_.update_fixed_s;
    is_learning_ = true;
    push(now_ + update_.seconds, Event::Kind::update_done, 0);
    if (schedule_.as_completed && !schedule_.partial_rollouts) drop_stale();
  }

  /// What could not be trained any more by the next update is not sampled to its end.
  void drop_stale() {
    std::vector<std::int64_t> stale;
    for (const std::int64_t group : open_) {
      if (updates_ + 1 - state(group).version > schedule_.max_staleness) stale.push_back(group);
    }
    for (const std::int64_t group : stale) {
      const std::int64_t number = state(group).worker;
      set_busy(number);
      worker(number).drop(now_, pace_, group);
      expect_end(number);
      set_free(number);
      open_.erase(group);
      ++dropped_;
    }
  }

  void end_update() {
    is_learning_ = false;
    ++updates_;
    done_.groups += update_.groups;
    done_.tokens += update_.tokens;
    done_.staleness += update_.staleness;
    done_.seconds += update_.seconds;
    for (std::int64_t w = 0; w < job_.workers; ++w) {
      const double hops = static_cast<double>(w / job_.workers_per_hop);
      const double delay = schedule_.split ? job_.sync_fill_s + hops * job_.sync_hop_s : 0;
      if (delay == 0) {
        take_weights(w, updates_);
      } else {
        push(now_ + delay, Event::Kind::weights_came, w, updates_);
      }
    }
  }

  [[nodiscard]] double workers_busy() const {
    double seconds = 0;
    for (const RolloutWorker& each : workers_) seconds += each.busy_s(now_);
    return seconds;
  }

  void begin_window() { window_ = {now_, workers_busy(), done_}; }

  [[nodiscard]] SimulationResult result(std::int64_t steps) const {
    SimulationResult out;
    const double seconds = now_ - window_.time;
    const double learning = done_.seconds - window_.done.seconds;
    const double sampling = (workers_busy() - window_.workers_busy) / static_cast<double>(job_.workers);
    out.step_s = seconds / static_cast<double>(steps);
    out.worker_idle = 1 - sampling / seconds;
    out.learner_idle = 1 - learning / seconds;
    if (!schedule_.split) out.worker_idle = out.learner_idle = 1 - (sampling + learning) / seconds;
    for (double* idle : {&out.worker_idle, &out.learner_idle}) *idle = std::max(0.0, *idle);  // rounding
    out.mean_staleness = done_.staleness / static_cast<double>(done_.groups);
    out.max_staleness = stalest_;
    out.tokens_per_s = (done_.tokens - window_.done.tokens) / seconds;
    out.issued = issued_;
    out.trained = done_.groups;
    out.dropped = dropped_;
    out.in_flight = issued_ - done_.groups - dropped_;
    return out;
  }

  /// Of updates: groups, their completions' tokens, their staleness summed, seconds.
  struct Learned {
    std::int64_t groups = 0;
    double tokens = 0, staleness = 0, seconds = 0;
  };
  struct Window {
    double time = 0, workers_busy = 0;
    Learned done;
  };
  /// The next group of a worker's share, in order.
  struct Share {
    std::int64_t step = 0, begun = 0;
  };

  const JobModel& job_;
  const Schedule& schedule_;
  std::uint64_t seed_;
  RolloutWorker::Pace pace_;
  std::vector<RolloutWorker> workers_;
  std::vector<Share> shares_;
  std::int64_t most_load_ = 1;  // groups that a worker has at most
  std::map<std::int64_t, std::set<std::pair<std::int64_t, std::int64_t>>> free_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t next_event_ = 0;
  double now_ = 0;
  std::vector<GroupState> groups_;
  std::vector<std::int64_t> complete_;  // groups of each step, in order
  std::deque<std::int64_t> ready_;      // complete and not trained, as completed
  std::set<std::int64_t> open_;         // being sampled, as completed
  std::int64_t issued_ = 0, dropped_ = 0;
  std::int64_t updates_ = 0, stalest_ = 0;
  bool is_learning_ = false;
  Learned update_, done_;  // the one that goes on; all that ended
  Window window_;
};

}  // namespace

SimulationResult simulate(const JobModel& job, const Schedule& schedule, std::int64_t steps,
                          std::int64_t warmup, std::uint64_t seed) {
  check(job, schedule, steps, warmup);
  return Simulation(job, schedule, seed).run(steps, warmup);
}

}  // namespace reckon::plan
