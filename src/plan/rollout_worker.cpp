#include "rollout_worker.h"

#include <algorithm>
#include <limits>

namespace reckon::plan {
namespace {

bool ends_later(const RolloutWorker::Row& a, const RolloutWorker::Row& b) {
  return a.end != b.end ? a.end > b.end : a.group > b.group;
}

double seconds_a_pass(const RolloutWorker::Pace& pace, std::size_t rows) {
  return pace.pass_s + pace.row_s * static_cast<double>(rows);
}

}  // namespace

void RolloutWorker::advance(double now, const Pace& pace) {
  if (now <= since_) return;  // a stall reaches beyond now
  if (!rows_.empty()) passes_ += (now - since_) / seconds_a_pass(pace, rows_.size());
  since_ = now;
}

void RolloutWorker::note_rows(double now, bool had_rows) {
  ++stamp;
  if (had_rows && rows_.empty()) busy_ += now - busy_since_;
  if (!had_rows && !rows_.empty()) busy_since_ = now;
}

void RolloutWorker::add(double now, const Pace& pace, std::int64_t group, const std::vector<double>& lengths,
                        double stall_s) {
  advance(now, pace);
  since_ += stall_s;
  const bool had_rows = !rows_.empty();
  for (const double length : lengths) {
    rows_.push_back({passes_ + length, group});
    std::push_heap(rows_.begin(), rows_.end(), ends_later);
  }
  note_rows(now, had_rows);
}

std::int64_t RolloutWorker::take_ended(double now, const Pace& pace) {
  advance(now, pace);
  std::pop_heap(rows_.begin(), rows_.end(), ends_later);
  const Row row = rows_.back();
  rows_.pop_back();
  passes_ = row.end;  // what the division lost
  note_rows(now, true);
  return row.group;
}

void RolloutWorker::drop(double now, const Pace& pace, std::int64_t group) {
  advance(now, pace);
  const bool had_rows = !rows_.empty();
  std::erase_if(rows_, [group](const Row& row) { return row.group == group; });
  std::make_heap(rows_.begin(), rows_.end(), ends_later);
  note_rows(now, had_rows);
}

double RolloutWorker::next_end(const Pace& pace) const {
  if (rows_.empty()) return std::numeric_limits<double>::infinity();
  return since_ + std::max(0.0, rows_.front().end - passes_) * seconds_a_pass(pace, rows_.size());
}

double RolloutWorker::busy_s(double now) const {
  return busy_ + (rows_.empty() ? 0 : now - busy_since_);
}

}  // namespace reckon::plan
