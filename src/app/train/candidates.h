#pragma once

#include <optional>
#include <string>
#include <vector>

#include "run.h"

namespace reckon {

/// The checkpoints of a run, the newest first, and which of them it can go on from.
class Candidates {
 public:
  explicit Candidates(const TrainRun& run);

  /// The newest one that verifies, with those whose weights it needs. Those that do not are named on the
  /// terminal. \return nothing where the run has none
  /// \throws Error(bad_data) naming all of them, where there are some and none can be gone on from
  [[nodiscard]] std::optional<ResumePoint> choose() const;

  /// A changed recipe makes other weights from here on: what is there of the old ones is kept under a name
  /// that is no checkpoint's. \throws Error(io)
  void abandon_after(const ResumePoint& point) const;

 private:
  struct Found {
    std::size_t position = 0;  // of its stage in run_order()
    CheckpointName name;
  };
  [[nodiscard]] Checkpoint open(const CheckpointName& name) const;
  void check_needed(const ResumePoint& point) const;

  const TrainRun& run_;
  std::vector<std::size_t> order_;
  std::vector<Found> found_;
};

}  // namespace reckon
