#pragma once

#include <span>

#include "reckon/learn/learner.h"

namespace reckon {

/// One supervised update: cross-entropy on the completion tokens, averaged over all of them. Collective;
/// every rank gives the same sequences. stats.loss is the mean negative log-probability a token, in nats.
UpdateStats sft_update(Learner& learner, std::span<const TrainSequence> sequences,
                       const UpdateGate& gate = {});

}  // namespace reckon
