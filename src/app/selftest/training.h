#pragma once

#include <cstdint>
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

/// One policy update of a learner, on SmallSequences. \return loss and gradient norm, rounded
std::vector<float> small_update(Learner& learner);

/// Updates of a copy of the model. Collective over `world`.
[[nodiscard]] Trained train(const SmallModel& model, const BatchConfig& batch, Communicator& world,
                            std::int64_t updates);

/// Compares what was trained in two ways, which messages name by these words.
void compare_trained(Comparison& comparison, const std::string& what, std::string_view left_name,
                     const Trained& left, std::string_view right_name, const Trained& right);

}  // namespace reckon::selftest
