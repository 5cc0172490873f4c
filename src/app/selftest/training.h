#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "comparison.h"
#include "reckon/learn/cpu_learner.h"
#include "small_models.h"

namespace reckon::selftest {

/// What some updates make of a model.
struct Trained {
  std::vector<float> weights;
  std::string weights_sha256;
  std::vector<float> sums;  ///< loss and gradient norm of each update, rounded
};

/// A learner of a copy of a small model. Its updates are all on SmallSequences.
class SmallTraining {
 public:
  /// \param world  must outlive it \param total_updates  of the schedule
  SmallTraining(const SmallModel& model, const BatchConfig& batch, Communicator& world,
                std::int64_t total_updates);

  /// Makes so many updates. Collective.
  void update(std::int64_t updates);
  [[nodiscard]] Decoder& decoder() { return *decoder_; }
  [[nodiscard]] Learner& learner() { return learner_; }
  [[nodiscard]] Trained result() const;

 private:
  std::unique_ptr<Decoder> decoder_;
  CpuLearner learner_;
  SmallSequences small_;
  std::vector<float> sums_;
};

/// What so many updates, the whole schedule, make of a model. Collective.
[[nodiscard]] Trained train(const SmallModel& model, const BatchConfig& batch, Communicator& world,
                            std::int64_t updates);

/// Compares what was trained in two ways, which messages name by these words.
void compare_trained(Comparison& comparison, const std::string& what, std::string_view left_name,
                     const Trained& left, std::string_view right_name, const Trained& right);

}  // namespace reckon::selftest
