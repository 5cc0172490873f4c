#pragma once

#include <vector>

#include "reckon/dist/communicator.h"
#include "reckon/record/rollout.h"

namespace reckon {

/// Gives every rank the completions of all groups, as group_wire() records: all but their texts. Collective.
/// \param mine  this rank's groups, with completions; ranks hold consecutive groups in rank order
/// \param all   all groups of the step; their completions are replaced
void exchange_completions(Communicator& world, const std::vector<Group>& mine, std::vector<Group>& all);

}  // namespace reckon
