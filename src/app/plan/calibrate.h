#pragma once

#include <cstdint>

#include "reckon/model/decoder_config.h"
#include "reckon/ops/compute_dtype.h"
#include "reckon/plan/machine.h"

namespace reckon {

/// The sequences that a machine is tried with: as the recipe has them, in tokens.
struct ProbeLengths {
  std::int64_t prompt = 16;
  std::int64_t completion = 48;
  std::int64_t leaf_sequences = 8;
  std::int64_t group_size = 8;
};

/// What a rank reaches on this machine with a model of these widths, cut down to two layers and four million
/// weights a layer where it is larger: times sampler, learner, SHA-256 and memory for some hundred
/// milliseconds, while the other ranks' cores multiply. Seconds are those of the thread's processor time, the
/// median of some tries: of the machine as it is now, with whatever runs besides. \param ranks  with a core
/// each \throws Error(environment) where this machine cannot compute in that type
[[nodiscard]] plan::Rates calibrate_cpu(const DecoderConfig& model, std::int64_t num_logits,
                                        Precision precision, const ProbeLengths& lengths, std::int64_t ranks);

}  // namespace reckon
