#pragma once

#include <cstdint>
#include <vector>

namespace reckon::plan {

/// A rollout worker of the simulation: rows that are decoded together, each pass a token of each, so that all
/// advance at the pace of a pass.
class RolloutWorker {
 public:
  struct Row {
    double end = 0;  ///< on the worker's count of passes
    std::int64_t group = 0;
  };
  /// Seconds of a pass: pass_s + rows * row_s.
  struct Pace {
    double pass_s = 0;
    double row_s = 0;
  };

  /// \param stall_s  in which the worker computes a prompt, and decodes nothing
  void add(double now, const Pace& pace, std::int64_t group, const std::vector<double>& lengths,
           double stall_s);
  /// The group of the row that has ended; call it at next_end().
  std::int64_t take_ended(double now, const Pace& pace);
  void drop(double now, const Pace& pace, std::int64_t group);
  /// When the next row ends; infinity where there is none.
  [[nodiscard]] double next_end(const Pace& pace) const;
  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(rows_.size()); }
  /// Seconds with rows, until `now`.
  [[nodiscard]] double busy_s(double now) const;

  std::int64_t version = 0;  ///< of the weights it has
  std::uint64_t stamp = 0;   ///< counts changes of next_end()

 private:
  void advance(double now, const Pace& pace);
  void note_rows(double now, bool had_rows);

  std::vector<Row> rows_;  // a heap, the first to end on top
  double passes_ = 0;      // made so far
  double since_ = 0;       // the time at which they were
  double busy_ = 0, busy_since_ = 0;
};

}  // namespace reckon::plan
