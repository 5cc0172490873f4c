#pragma once

#include <string>
#include <string_view>

#include "reckon/record/rollout.h"

namespace reckon {

/// A group as one record for another rank: what the learner, metrics and logs need of it but cannot have
/// otherwise. group_id, visit, the prompt's id; of each completion all but its text, which is decoded from
/// its tokens again. Versions are there for every completion (version_runs()). Numbers lie as in memory; the
/// number of the schema stands in front.
[[nodiscard]] std::string group_wire(const Group& group);

/// Takes a record from the front of some: they need nothing between them. Its prompt has an id alone.
/// \throws Error(bad_data) "group record: ..." where bytes are missing, a length is more than they hold, a
/// code has no name, lists of a completion do not fit each other, or a sample stands twice.
[[nodiscard]] Group take_group_wire(std::string_view& records);

}  // namespace reckon
