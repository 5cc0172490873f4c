#pragma once

#include <string>

#include "reckon/checkpoint/state.h"

namespace reckon {

// The files of a checkpoint beside its model folder.
inline constexpr const char* kVisitsFile = "reckon/visits.safetensors";

/// `reckon/<kind>-00001-of-00004.safetensors`: one rank's share of something.
[[nodiscard]] std::string share_file(const std::string& kind, int rank, int size);
inline constexpr const char* kMomentsKind = "moments";
inline constexpr const char* kWeightsKind = "weights";

/// `reckon/past-weights-000012.safetensors`: the weights of an earlier step.
[[nodiscard]] std::string past_weights_file(std::int64_t step);

/// `step-000100`.
[[nodiscard]] std::string step_folder(long long step);

// Endings of folders that are no checkpoints.
inline constexpr const char* kUnfinished = ".tmp";
inline constexpr const char* kRemoved = ".removed";

}  // namespace reckon
